"""How a curve is drawn: where its points stand on the x axis, its smoothed course, what the y axis spans. Pure.

The page's charts (static/charts/) say the same; a test holds both against each other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Axis = Literal["step", "epoch", "time"]
Point = Mapping[str, Any]

AXES: tuple[Axis, ...] = ("step", "epoch", "time")
MOST_SMOOTHING = 0.99
FEW = 25  # values; below, a smoothed line would say less than the points themselves
_VIEW = 1000  # the average looks back over a share of the view: as if so many points were in it
_PAD = 0.06  # of the span, above and below
_OUTER = 0.01  # clipping leaves out at most so much of the values at either end


@dataclass(frozen=True)
class Look:
    """What the reader chose. `view` are the first and the last step shown; None shows all."""

    axis: Axis = "step"
    smoothing: float = 0.0
    log: bool = False
    clip: bool = False
    view: tuple[int, int] | None = None


PLAIN = Look()


def places(points: Sequence[Point], axis: Axis) -> list[float]:
    """Where the points stand: at their step, their epoch, or the seconds since the first of them; NaN where unknown.

    Never running backwards: while a clock is set back no time passes, and from there on it does again.
    """
    if axis == "step":
        return [float(point["step"]) for point in points]
    if axis == "epoch":
        return _rising([math.nan if point["epoch"] is None else float(point["epoch"]) for point in points])
    before, elapsed, seconds = math.nan, 0.0, []
    for point in points:
        if not point["timestamp"]:
            seconds.append(math.nan)
            continue
        now = datetime.fromisoformat(point["timestamp"]).timestamp()
        if now > before:
            elapsed += now - before
        before = now
        seconds.append(elapsed)
    return seconds


def smoothed(
    values: Sequence[float | None], counts: Sequence[int], weight: float, in_view: int = 0
) -> list[float | None]:
    """The debiased exponential moving average, as TensorBoard and W&B document it; a gap (None) stays one.

    `counts` says for how many stored points each value stands: it counts as often, so that the average over the means
    of what was left out is the one over all. `weight` is that of what was before, 0 to below 1; of more than a
    thousand stored points `in_view` it is that of a thousandth of the view.
    """
    unit = max(1.0, in_view / _VIEW)
    total = mass = 0.0
    course: list[float | None] = []
    for value, count in zip(values, counts, strict=True):
        if value is None:
            course.append(None)
            continue
        kept = weight ** (count / unit)
        total = kept * total + (1 - kept) * value
        mass = kept * mass + (1 - kept)
        course.append(total / mass)
    return course


def span(values: Sequence[float], *, log: bool = False, clip: bool = False) -> tuple[tuple[float, float], int]:
    """What the y axis spans for these values, and how many of them clipping leaves beyond its edges."""
    usable = sorted(math.log10(value) if log else value for value in values if value > 0 or not log)
    if not usable:
        return ((0.1, 1.0) if log else (0.0, 1.0)), 0
    low, high = (_quantile(usable, _OUTER), _quantile(usable, 1 - _OUTER)) if clip else (usable[0], usable[-1])
    pad = (high - low or abs(high) or 1) * _PAD or _PAD  # of next to nothing that is nothing
    below = max(low - (2 if clip else 1) * pad, usable[0] - pad)
    above = min(high + (2 if clip else 1) * pad, usable[-1] + pad)
    outside = sum(value < below or value > above for value in usable)
    return ((10**below, 10**above) if log else (below, above)), outside


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (at - below) * (above - ordered[below])


def _rising(values: Sequence[float]) -> list[float]:
    highest = -math.inf
    risen = []
    for value in values:
        if not math.isnan(value):
            highest = max(highest, value)
        risen.append(math.nan if math.isnan(value) else highest)
    return risen
