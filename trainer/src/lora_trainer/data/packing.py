"""Fills rows of max_length tokens with several sequences each, so that little is padding. Pure.

First fit, longest first. Positions begin at 0 with each sequence: from them the model builds an attention mask that
keeps the sequences of a row apart (model/packing_check.py proves that it does).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lora_trainer.data.encoding import TokenSequence


@dataclass(frozen=True)
class Row:
    """One line of a batch; all three lists are equally long."""

    input_ids: list[int]
    labels: list[int]
    position_ids: list[int]


def one_per_row(sequences: Sequence[TokenSequence]) -> list[Row]:
    return [_row([sequence]) for sequence in sequences]


def pack(sequences: Sequence[TokenSequence], max_length: int) -> list[Row]:
    """Rows of at most `max_length` tokens; no sequence is cut (none may be longer)."""
    bins: list[list[TokenSequence]] = []
    free: list[int] = []
    first_with_room: dict[int, int] = {}  # by length: bins before this index had no room and never will
    for sequence in sorted(sequences, key=lambda each: -len(each.input_ids)):
        length = len(sequence.input_ids)
        index = next(
            (index for index in range(first_with_room.get(length, 0), len(bins)) if free[index] >= length),
            len(bins),
        )
        first_with_room[length] = index
        if index == len(bins):
            bins.append([])
            free.append(max_length)
        bins[index].append(sequence)
        free[index] -= length
    return [_row(each) for each in bins]


def _row(sequences: Sequence[TokenSequence]) -> Row:
    return Row(
        [token for sequence in sequences for token in sequence.input_ids],
        [label for sequence in sequences for label in sequence.labels],
        [position for sequence in sequences for position in range(len(sequence.input_ids))],
    )
