"""Greedy answers of a model, several prompts at once."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from lora_trainer.stopping import Stopper


class _Interrupt(StoppingCriteria):
    """Looks up between two tokens whether somebody wants us to stop."""

    def __init__(self, stopper: Stopper) -> None:
        self._stopper = stopper

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        self._stopper.check()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def answer(
    model: Any, tokenizer: Any, prompts: Sequence[str], most_tokens: int, stopper: Stopper | None = None
) -> list[str]:
    """The most likely continuation of each prompt, without special tokens, cut at `most_tokens`."""
    tokenizer.padding_side = "left"
    batch = tokenizer(list(prompts), return_tensors="pt", padding=True, add_special_tokens=False)
    batch = {key: batch[key].to(model.device) for key in ("input_ids", "attention_mask")}
    ends = {tokenizer.eos_token_id, *_listed(model.generation_config.eos_token_id)}
    with torch.no_grad():
        given = model.generate(
            **batch,
            do_sample=False,
            max_new_tokens=most_tokens,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=sorted(ends),
            stopping_criteria=StoppingCriteriaList([_Interrupt(stopper)] if stopper else []),
        )
    tokenizer.padding_side = "right"
    new = given[:, batch["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]


def _listed(value: int | list[int] | None) -> list[int]:
    return [] if value is None else [value] if isinstance(value, int) else value
