"""Rows of different lengths as the tensors of one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lora_trainer.data.encoding import IGNORED


@dataclass(frozen=True)
class Collator:
    """Pads at the right. Unpacked rows get an attention mask; packed ones positions, in which the padding is one
    more sequence without labels. `token_count` is the number of tokens that are not padding."""

    pad_token_id: int
    packed: bool

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in rows)
        gaps = [longest - len(row["input_ids"]) for row in rows]

        def padded(name: str, filler: int) -> Any:
            return torch.tensor([list(row[name]) + [filler] * gap for row, gap in zip(rows, gaps, strict=True)])

        batch = {
            "input_ids": padded("input_ids", self.pad_token_id),
            "labels": padded("labels", IGNORED),
            "token_count": torch.tensor(sum(longest - gap for gap in gaps)),
        }
        if self.packed:
            batch["position_ids"] = torch.tensor(
                [list(row["position_ids"]) + list(range(gap)) for row, gap in zip(rows, gaps, strict=True)]
            )
        else:
            batch["attention_mask"] = torch.tensor([[1] * (longest - gap) + [0] * gap for gap in gaps])
        return batch
