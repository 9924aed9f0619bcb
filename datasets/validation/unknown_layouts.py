"""Lines in none of the four layouts: recognises what other tools write, and says how to turn it into one."""

from difflib import get_close_matches
from itertools import islice
from typing import Any

from datasets.validation.problems import Finding, printable

LAYOUT = (
    'Write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}, '
    "or prompt and completion, conversations (ShareGPT), or instruction and output (Alpaca)."
)

_PREFERENCE = (
    "This is preference data (DPO): training here learns one answer for each example, not which of two is better."
)
_BETTER = "Keep the better answer alone: {what}, such as with jq -c '{filter}' in.jsonl > out.jsonl."
# (keys, what becomes of them) of preference data, as trl, Anthropic and OpenAI write it
_PREFERENCES = (
    (
        ("prompt", "chosen"),
        _BETTER.format(
            what="rename chosen to completion and leave rejected out", filter="{prompt, completion: .chosen}"
        ),
    ),
    (
        ("chosen", "rejected"),
        _BETTER.format(what="rename chosen to messages and leave rejected out", filter="{messages: .chosen}"),
    ),
    (
        ("input", "preferred_output"),
        _BETTER.format(
            what="put preferred_output behind the messages of input",
            filter="{messages: (.input.messages + .preferred_output)}",
        ),
    ),
)

_OTHERS = (
    (("prompt", "response"), "Rename response to completion."),
    (("instruction", "response"), "Rename response to output, and a context to input."),
    (("question", "answer"), "Rename question to prompt and answer to completion."),
    (("input", "output"), "Rename input to prompt and output to completion."),
    (
        ("role", "content"),
        "This is a single message: put those of a conversation into one list called messages.",
    ),
    (("prompt",), "Add the answer as completion."),
    (("instruction",), "Add the answer as output."),
    (("text",), "Split the text into prompt and completion, or into messages."),
)
MAX_KEYS = 50  # looked at for a misspelling, since a line may have any number
_KEYS = ("messages", "conversations", "prompt", "completion", "instruction", "output")


def unknown_layout(value: dict[str, Any]) -> Finding:
    """The finding for such an object, with the advice that fits what it has."""
    for key in islice(value, MAX_KEYS):
        for close in get_close_matches(key.strip().lower(), _KEYS, n=1, cutoff=0.8):
            if close not in value:
                name = printable(key, 60)
                return Finding(name, f"There is no {close}, but “{name}”.", f"Did you misspell it? Write {close}.")
    for pair, advice in _PREFERENCES:
        if all(key in value for key in pair):
            return Finding(pair[-1], _PREFERENCE, advice)
    for keys, advice in _OTHERS:
        if all(key in value for key in keys):
            return Finding(keys[-1], f"There is only {' and '.join(keys)}: no layout that is known.", advice)
    return Finding("", "There are no messages.", LAYOUT)
