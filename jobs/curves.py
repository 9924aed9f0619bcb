"""How a curve is drawn: where its points stand on the x axis, its smoothed course, what the y axis spans. Pure.

The page's charts (static/charts/) say the same; a test holds both against each other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

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


def notes(
    values: Sequence[float],
    span: tuple[float, float],
    outside: int,
    *,
    log: bool = False,
    is_thin: bool = False,
    axis: Axis = "step",
    left_out: int = 0,
) -> list[str]:
    """What a drawing of these values does not show, each in words.

    `is_thin`: the values are some of those that are stored. Their extremes are among them, but how many more lie
    outside is not known then. `left_out` counts points without a place on the axis.
    """
    at_least = "at least " if is_thin else ""
    missing = "a time" if axis == "time" else "an epoch"
    below = sum(value <= 0 for value in values) if log else 0
    told = [
        f"{_plural(outside, 'value')} outside{_reach(values, span, log=log)}" if outside else "",
        f"{_plural(below, 'value')} at or below zero: a log scale cannot show {'it' if below == 1 else 'them'}"
        if below
        else "",
        f"{_plural(left_out, 'point')} without {missing} left out" if left_out else "",
    ]
    return [f"{at_least}{each}" for each in told if each]


def _reach(values: Sequence[float], span: tuple[float, float], *, log: bool) -> str:
    """How far beyond the axis they go."""
    usable = [value for value in values if value > 0 or not log]
    lowest, highest = min(usable), max(usable)
    ends = [
        f"down to {tick(lowest)}" if lowest < span[0] else "",
        f"up to {tick(highest)}" if highest > span[1] else "",
    ]
    return f" ({' and '.join(filter(None, ends))})"


def tick(value: float) -> str:
    """A value at an axis: short, without the noise of binary fractions."""
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        digits, power = f"{value:.2e}".split("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{_short(value / size)}{letter}"
    return _short(value)


def _short(value: float) -> str:
    """Four digits that count, without an exponent."""
    return np.format_float_positional(float(f"{value:.4g}"), trim="-")


def _plural(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


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
