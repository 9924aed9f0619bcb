"""Held-out prompts answered by the base model and by the adapter, so that a person sees what training did."""

from collections.abc import Sequence
from typing import Any

from lora_trainer.data.layouts import Conversation
from lora_trainer.data.rendering import Renderer
from lora_trainer.output.generating import answer
from lora_trainer.stopping import Stopper

MOST_SAMPLES = 10
LEAST_TOKENS, MOST_TOKENS = 32, 160


def make_samples(
    model: Any, tokenizer: Any, held_out: Sequence[Conversation], stopper: Stopper
) -> list[dict[str, Any]]:
    """Up to ten conversations, spread over the held-out data, with the last answer expected and given.

    Answers are cut at one and a half times the longest expected one (32 to 160 tokens). Raises Stopped.
    """
    chosen = _spread(held_out)
    if not chosen:
        return []
    renderer = Renderer(tokenizer)
    prompts = [renderer.prompt(each.messages[:-1], each.tools) for each in chosen]
    expected = [str(each.messages[-1]["content"]) for each in chosen]
    longest = max(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in expected)
    most = min(MOST_TOKENS, max(LEAST_TOKENS, longest * 3 // 2))
    model.eval()
    with_adapter = answer(model, tokenizer, prompts, most, stopper)
    with model.disable_adapter():
        without = answer(model, tokenizer, prompts, most, stopper)
    return [
        {"prompt": list(each.messages[:-1]), "expected": wanted, "base": base, "adapter": adapter}
        for each, wanted, base, adapter in zip(chosen, expected, without, with_adapter, strict=True)
    ]


def _spread(held_out: Sequence[Conversation]) -> list[Conversation]:
    count = min(MOST_SAMPLES, len(held_out))
    return [held_out[index * len(held_out) // count] for index in range(count)]
