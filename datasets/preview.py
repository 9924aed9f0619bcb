"""What the page shows of the examples themselves: one after the other as a chat, and how long they are."""

import math
from dataclasses import dataclass
from typing import Any

from datasets.models import Dataset, DatasetReport
from datasets.validation import lengths

USUAL_MAX_LENGTH = 2048
LARGEST_MAX_LENGTH = 1_000_000
LONG_TEXT = 900  # characters; a longer text is folded
_START = 400


@dataclass(frozen=True)
class Preview:
    """Example `number` (from 1) of the `count` that can be paged through; `line` and `tokens` None where not known."""

    number: int
    count: int
    line: int | None
    tokens: int | None
    messages: list[dict[str, Any]]
    omitted: int

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


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


def preview(dataset: Dataset, number: str) -> Preview | None:
    """That example; the first one for what is no number of one. None without examples."""
    report = DatasetReport.objects.filter(dataset=dataset).only("examples").first()
    examples = (report.examples if report else None) or dataset.sample
    if not examples:
        return None
    chosen = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 6 else 1
    chosen = chosen if 1 <= chosen <= len(examples) else 1
    example = examples[chosen - 1]
    messages = [_folded(message) for message in example["messages"]]
    return Preview(
        chosen, len(examples), example.get("line"), example.get("tokens"), messages, example.get("omitted", 0)
    )


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


def _folded(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content", "")
    start = content[:_START] if len(content) > LONG_TEXT else ""
    return {**message, "start": start, "characters": len(content)}
