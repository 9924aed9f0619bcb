"""Stacked bars: where each piece stands. Pure; a template makes SVG of it.

Across in percent, so that the plot is as wide as its place; down in pixels, so that text keeps its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from jobs.ledger.span import Days

# More than so many are "Other": that many can be told apart by colour and pattern.
MOST_SERIES = 6
OTHER = "Other"
MOST_TICKS = 12
TOP, BOTTOM = 12, 208  # pixels
BAR_WIDTH = 0.72  # of a bar's place
WIDEST_BAR = 8.0  # percent: a single one is still a bar


@dataclass(frozen=True)
class Piece:
    """`series` counts from 1; `y` and `height` in pixels from above."""

    series: int
    gpu: str
    amount: Decimal
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """`x`, `width`, `middle` and the `place` where the mouse finds it are in percent. `tick` is written below, empty
    where there is no room; `is_spare` where there is none on a phone."""

    days: Days
    name: str
    total: Decimal
    pieces: tuple[Piece, ...]
    amounts: tuple[Decimal, ...]
    place: float
    x: float
    width: float
    middle: float
    tick: str
    is_spare: bool


@dataclass(frozen=True)
class Plot:
    """`series` are GPU types by their `sums`, largest first; `lines` of the scale are (label, pixels from above)."""

    unit: str
    series: tuple[str, ...]
    sums: tuple[Decimal, ...]
    bars: tuple[Bar, ...]
    lines: tuple[tuple[str, float], ...]

    @property
    def place(self) -> float:
        """Width of a bar with the room around it, in percent."""
        return round(100 / len(self.bars), 3)

    @property
    def legend(self) -> list[tuple[str, Decimal]]:
        return list(zip(self.series, self.sums, strict=True))


def plot(pieces: Sequence[Days], amounts: Mapping[tuple[date, str], Decimal], unit: str) -> Plot:
    """A bar for each piece of a span. `amounts` is by the first day of each "day" or "month" and by GPU type."""
    sums: dict[str, Decimal] = {}
    for (_, gpu), amount in amounts.items():
        sums[gpu] = sums.get(gpu, Decimal(0)) + amount
    ranked = sorted(sums, key=lambda gpu: (-sums[gpu], gpu))
    named = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
    series = (*named, OTHER) if len(named) < len(ranked) else tuple(named)
    table = [_amounts(days, unit, amounts, named, ranked) for days in pieces]
    highest, step = _scale(max((sum(row, Decimal(0)) for row in table), default=Decimal(0)))
    bars = tuple(
        _bar(days, unit, row, series, highest, index=index, count=len(pieces))
        for index, (days, row) in enumerate(zip(pieces, table, strict=True))
    )
    lines = tuple(_line(step * number, step, highest) for number in range(int(highest / step) + 1))
    by_column = tuple(sum(column, Decimal(0)) for column in zip(*table, strict=True)) if series else ()
    return Plot(unit, series, by_column, bars, lines)


def _amounts(
    days: Days, unit: str, amounts: Mapping[tuple[date, str], Decimal], named: Sequence[str], ranked: Sequence[str]
) -> tuple[Decimal, ...]:
    key = days.first if unit == "day" else days.first.replace(day=1)
    own = [amounts.get((key, gpu), Decimal("0.00")) for gpu in ranked]
    rest = [sum(own[len(named) :], Decimal(0))] if len(named) < len(ranked) else []
    return (*own[: len(named)], *rest)


def _bar(
    days: Days,
    unit: str,
    row: tuple[Decimal, ...],
    series: tuple[str, ...],
    highest: Decimal,
    *,
    index: int,
    count: int,
) -> Bar:
    pieces, y = [], float(BOTTOM)
    for number, (gpu, amount) in enumerate(zip(series, row, strict=True), start=1):
        height = (BOTTOM - TOP) * float(amount / highest)
        y -= height
        if amount:
            pieces.append(Piece(number, gpu, amount, round(y, 2), round(height, 2)))
    place = 100 / count
    width = min(place * BAR_WIDTH, WIDEST_BAR)
    every = ceil(count / MOST_TICKS)
    tick = f"{days.first.day} {days.first:%b}" if unit == "day" else f"{days.first:%b %Y}"
    return Bar(
        days=days,
        name=f"{days.first.day} {days.first:%b %Y}" if unit == "day" else f"{days.first:%B %Y}",
        total=sum(row, Decimal("0.00")),
        pieces=tuple(pieces),
        amounts=row,
        place=round(index * place, 3),
        x=round((index + 0.5) * place - width / 2, 3),
        width=round(width, 3),
        middle=round((index + 0.5) * place, 3),
        tick="" if index % every else tick,
        is_spare=index // every % 3 != 0,
    )


def _line(amount: Decimal, step: Decimal, highest: Decimal) -> tuple[str, float]:
    return _label(amount, step), round(BOTTOM - (BOTTOM - TOP) * float(amount / highest), 2)


def _label(amount: Decimal, step: Decimal) -> str:
    """ "$0.05", "$2,000", "$250k", "$1M", "$20B": there is little room. `step` is the distance of the scale's lines."""
    if step < 1:
        return f"${amount:,.2f}"
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if amount and step >= max(unit, 10_000):
            return f"${amount / unit:,.0f}{letter}"
    return f"${amount:,.0f}"


def _scale(most: Decimal) -> tuple[Decimal, Decimal]:
    """The axis' end and the distance of its lines, both round figures; two to five lines above 0."""
    if most <= 0:
        return Decimal(1), Decimal(1)
    power = Decimal(10) ** floor(log10(most))
    step = max(Decimal("0.01"), next(step for step in (power / 5, power / 2, power, 2 * power) if most / step <= 5))
    return step * ceil(most / step), step
