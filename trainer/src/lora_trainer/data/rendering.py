"""A conversation as the text that the model sees, cut into context and what is to be learned.

Only assistant turns are learned, each with its end-of-turn token, so that generation stops. Chat templates rarely
mark those turns, so they are found by rendering the conversation again and again, one turn longer each time:

    prompt = render(messages before the turn, as if the model were to answer)
    turn   = what render(messages up to and with the turn) has more

This holds only if every rendering begins with the one before. Templates that rewrite earlier turns (by dropping
their reasoning, say) break that; then each answer becomes a sequence of its own, which is exactly what the model
would see when it answers there. A template where even that fails cannot be trained on, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from lora_trainer.data.layouts import Conversation, Message, Unusable

_PROBE = "answer-goes-here"


@dataclass(frozen=True)
class Passage:
    """One training sequence: `spans` are the [start, end) of the characters to learn, in order."""

    text: str
    spans: tuple[tuple[int, int], ...]


class Renderer:
    """Renders with one tokenizer's chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._stops = sorted(_stop_texts(tokenizer), key=len, reverse=True)

    def passages(self, conversation: Conversation) -> list[Passage]:
        """One passage, or one per answer where the template rewrites earlier turns. Raises Unusable."""
        messages, tools = list(conversation.messages), list(conversation.tools)
        whole = self._render(messages, tools)
        self._check_nothing_lost(conversation, whole)
        turns = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
        starts_and_texts = [self._turn(messages, tools, turn) for turn in turns]
        if all(whole.startswith(text) for _, text in starts_and_texts):
            spans = tuple(self._span(whole, start, len(text)) for start, text in starts_and_texts)
            return [self._closed(whole, spans)]
        return [self._closed(text, (self._span(text, start, len(text)),)) for start, text in starts_and_texts]

    def prompt(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> str:
        """The text after which the model answers."""
        return self._render(list(messages), list(tools), answer=True)

    def _turn(self, messages: list[Message], tools: list[Any], turn: int) -> tuple[int, str]:
        """Where the turn's text begins, and the rendering up to its end."""
        text = self._render(messages[: turn + 1], tools)
        try:
            prompt = self._render(messages[:turn], tools, answer=True)
        except Unusable:
            prompt = ""
        if not prompt or not text.startswith(prompt):
            probe = [*messages[:turn], {"role": "assistant", "content": _PROBE}]
            prompt, found, _ = self._render(probe, tools).rpartition(_PROBE)
            if not found or not text.startswith(prompt):
                raise Unusable(
                    "the model's chat template does not let us tell what the assistant says: it prints the "
                    f"beginning of message {turn + 1} differently when the answer follows"
                )
        return len(prompt), text

    def _span(self, text: str, start: int, end: int) -> tuple[int, int]:
        """The turn without the white space that the template puts behind its end-of-turn token."""
        trimmed = len(text[:end].rstrip())
        if trimmed > start and any(text[:trimmed].endswith(stop) for stop in self._stops):
            return start, trimmed
        return start, end

    def _closed(self, text: str, spans: tuple[tuple[int, int], ...]) -> Passage:
        """What follows the last answer teaches nothing; an answer that nothing ends gets the model's end token."""
        start, end = spans[-1]
        text = text[:end]
        if not any(text.endswith(stop) for stop in self._stops):
            text += self._tokenizer.eos_token or ""
        return Passage(text, (*spans[:-1], (start, len(text))))

    def _check_nothing_lost(self, conversation: Conversation, whole: str) -> None:
        """Some templates leave out tools and calls without a word."""
        names = [tool.get("function", tool).get("name") for tool in conversation.tools]
        for message in conversation.messages:
            names += [call["function"]["name"] for call in message.get("tool_calls", ())]
            content = message["content"].strip()
            if content and content not in whole and message["role"] in ("system", "user"):
                raise Unusable(f"the model's chat template does not print the {message['role']} message")
        for name in names:
            if name and name not in whole:
                raise Unusable(f"the model's chat template does not print tools, but tool {name} is used")

    def _render(self, messages: list[Message], tools: list[Any], answer: bool = False) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tools=tools or None, tokenize=False, add_generation_prompt=answer
            )
        except (jinja2.TemplateError, TypeError, ValueError, IndexError, KeyError) as error:
            raise Unusable(f"the model's chat template refuses it: {error}") from None
        return str(text)


def _stop_texts(tokenizer: Any) -> set[str]:
    """Special tokens that may end a turn."""
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return special | ({tokenizer.eos_token} if tokenizer.eos_token else set())
