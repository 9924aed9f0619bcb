"""A loss curve as a line of a few pixels: what an outline (jobs.outline) looks like as paths of SVG. Pure.

The line is the mean of each bucket, the band behind it reaches from its lowest to its highest value. The box is as
high as the line; where the band leaves it, it is cut off, so that one spike does not flatten the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

WIDTH, HEIGHT = 96, 28
_MARGIN = 3


@dataclass(frozen=True)
class Sparkline:
    """`line` and `band` are paths in a box of WIDTH by HEIGHT, broken where the loss was no number; the line ends at
    (`end_x`, `end_y`). `first` and `last` are the losses of the first and the last point."""

    line: str
    band: str
    end_x: str
    end_y: str
    first: float
    last: float


def sparkline(outline: Mapping[str, Any]) -> Sparkline | None:
    """The picture of an outline, None for one without any loss."""
    buckets = outline.get("buckets", ())
    means = [bucket[2] for bucket in buckets if bucket[1]]
    if not means:
        return None
    left, right = buckets[0][0], buckets[-1][0]
    lowest, highest = min(means), max(means)

    def x(bucket: Any) -> str:
        return f"{_MARGIN + _share(bucket[0], left, right, 1.0) * (WIDTH - 2 * _MARGIN):.1f}"

    def y(value: float) -> str:
        share = min(max(_share(value, lowest, highest, 0.5), 0.0), 1.0)
        return f"{HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN):.1f}"

    pieces = [list(group) for known, group in groupby(buckets, key=lambda bucket: bool(bucket[1])) if known]
    end = pieces[-1][-1]
    return Sparkline(
        line="".join(_path(f"{x(bucket)} {y(bucket[2])}" for bucket in piece) for piece in pieces),
        band="".join(
            _path(
                [
                    *(f"{x(bucket)} {y(bucket[4])}" for bucket in piece),
                    *(f"{x(bucket)} {y(bucket[3])}" for bucket in reversed(piece)),
                ]
            )
            + "Z"
            for piece in pieces
        ),
        end_x=x(end),
        end_y=y(end[2]),
        first=(outline.get("first") or [0, means[0]])[1],
        last=(outline.get("last") or [0, means[-1]])[1],
    )


def _path(corners: Any) -> str:
    return "M" + "L".join(corners)


def _share(value: float, low: float, high: float, alone: float) -> float:
    """Where a value lies between two others; `alone` where they are the same."""
    return alone if high == low else (value - low) / (high - low)
