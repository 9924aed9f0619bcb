"""How long a dataset's examples are, for people: a histogram to draw, and what a maximum length takes away."""

import math
from dataclasses import dataclass

from datasets.models import Dataset
from datasets.validation import lengths

USUAL_MAX_LENGTH = 2048
LARGEST_MAX_LENGTH = 1_000_000


@dataclass(frozen=True)
class Bar:
    """Examples of `low` to `high` tokens; the rest is for the picture, in percent of it, y from above."""

    low: int
    high: int
    examples: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class LengthFacts:
    """How long the examples are, in tokens, and what `max_length` takes from one pass over all of them.

    `limit_x` is where it cuts in the picture, in percent; None outside of it.
    """

    bars: list[Bar]
    half: int
    most: int
    nearly_all: int
    longest: int
    max_length: int
    cut: lengths.Cut
    lost_percent: float
    limit_x: float | None


def length_facts(dataset: Dataset, max_length: str) -> LengthFacts | None:
    """Facts of the lengths; None where they are not known. `max_length` counts as absent where it is no number."""
    kept = lengths.read(dataset.token_lengths)
    if kept is None:
        return None
    given = int(max_length) if max_length.isascii() and max_length.isdigit() and len(max_length) < 8 else 0
    limit = given if 1 <= given <= LARGEST_MAX_LENGTH else USUAL_MAX_LENGTH
    octaves = kept.octaves()
    first, last = octaves[0][0], octaves[-1][0] + lengths.BAR_OCTAVES
    cut = kept.cut(limit)
    place = 100 * (math.log2(limit) - first) / (last - first)
    return LengthFacts(
        bars=_bars(octaves),
        half=kept.quantile(0.5),
        most=kept.quantile(0.95),
        nearly_all=kept.quantile(0.99),
        longest=kept.longest,
        max_length=limit,
        cut=cut,
        lost_percent=100 * cut.lost / max(1, cut.lost + cut.tokens),
        limit_x=place if 0 < place < 100 else None,
    )


def _bars(octaves: list[tuple[float, int]]) -> list[Bar]:
    most = max(examples for _, examples in octaves)
    width = 100 / len(octaves)
    bars = []
    for index, (start, examples) in enumerate(octaves):
        low, high = math.ceil(2**start), math.ceil(2 ** (start + lengths.BAR_OCTAVES)) - 1
        # Few examples are to be seen beside many.
        height = max(2.0, 96 * examples / most) if examples else 0.0
        bars.append(Bar(low, max(low, high), examples, index * width, 100 - height, width * 0.9, height))
    return bars
