"""Where a figure is going, in a few words. Pure; values that are no numbers are passed over."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Points = Sequence[tuple[int, float | None]]

RECENT = 20  # points of which the newer half is compared with the older one, twice this many in all
# A change by less than this part of the value is no direction: points scatter, evaluations hardly do.
LEVEL = 0.02
LEVEL_OF_EVALUATIONS = 0.005

Direction = Literal["up", "down", "level"]


@dataclass(frozen=True)
class Trend:
    """`difference` to where it was at `since_step`."""

    direction: Direction
    difference: float
    since_step: int
    words: str


@dataclass(frozen=True)
class Best:
    value: float
    step: int


def recent(points: Points, *, write: Callable[[float], str]) -> Trend | None:
    """The newest points against those before them, each by their median, so that no spike makes a trend; None below
    two points."""
    numbers = _numbers(points)[-2 * RECENT :]
    half = len(numbers) // 2
    if not half:
        return None
    older, newer = numbers[-2 * half : -half], numbers[-half:]
    since = older[len(older) // 2][0]
    change = median(value for _, value in newer) - median(value for _, value in older)
    return _told(change, older[-1][1], since, LEVEL, write)


def since_last(points: Points, *, write: Callable[[float], str]) -> Trend | None:
    """The last evaluation against the one before; None before the second."""
    numbers = _numbers(points)[-2:]
    if len(numbers) < 2:
        return None
    (since, before), (_, last) = numbers
    return _told(last - before, before, since, LEVEL_OF_EVALUATIONS, write)


def best(points: Points) -> Best | None:
    """The lowest value and the first step that had it."""
    numbers = _numbers(points)
    if not numbers:
        return None
    step, value = min(numbers, key=lambda point: point[1])
    return Best(value, step)


def _numbers(points: Points) -> list[tuple[int, float]]:
    return [(step, value) for step, value in points if value is not None and math.isfinite(value)]


def _told(change: float, was: float, since: int, level: float, write: Callable[[float], str]) -> Trend:
    over = f"since step {since:,}"
    if abs(change) <= level * abs(was):
        return Trend("level", change, since, f"level {over}")
    direction: Direction = "up" if change > 0 else "down"
    return Trend(direction, change, since, f"{direction} {write(abs(change))} {over}")
