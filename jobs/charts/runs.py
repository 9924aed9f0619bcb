"""A run as a picture shows it: the points that count, where they stand on the x axis, and where a line breaks. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from jobs import curves
from jobs.charts.happenings import Checkpoint
from jobs.curves import Look, Point

# A point that has none of these was made by an evaluation alone: no gap in the other curves.
_OF_A_STEP = ("training_loss", "learning_rate", "gradient_norm", "throughput")


@dataclass(frozen=True)
class Run:
    """The points that have a place on the axis, their places, and the ends of the view on it."""

    points: Sequence[Point]
    places: Sequence[float]
    ends: tuple[float, float]
    axis: curves.Axis = "step"
    left_out: int = 0  # points without a place

    @classmethod
    def placed(cls, points: Sequence[Point], look: Look) -> "Run":
        """Points as they count, in order."""
        all_places = curves.places(points, look.axis)
        kept = [index for index, place in enumerate(all_places) if not math.isnan(place)]
        run = cls(
            [points[index] for index in kept],
            [all_places[index] for index in kept],
            (-math.inf, math.inf),
            look.axis,
            len(points) - len(kept),
        )
        if look.view is None or not kept:
            return run
        first, last = look.view
        if run.axis == "step":  # a range may reach beyond what there is
            ends = max(float(first), run.places[0]), min(float(last), run.places[-1])
        else:
            ends = run.place_of(first), run.place_of(last)
        return replace(run, ends=ends)

    @cached_property
    def in_view(self) -> list[Point]:
        """The points between the ends."""
        low, high = self.ends
        return [point for point, place in zip(self.points, self.places, strict=True) if low <= place <= high]

    @cached_property
    def stored_in_view(self) -> int:
        """How many stored points those in view stand for."""
        return sum(point["stands_for"] for point in self.in_view)

    def place_of(self, step: int) -> float:
        """The place of a step; on another axis that of the last point up to it, of the first one before all of them."""
        if self.axis == "step":
            return float(step)
        reached = [place for point, place in zip(self.points, self.places, strict=True) if point["step"] <= step]
        return reached[-1] if reached else self.places[0]

    def has_values(self, metrics: Sequence[str]) -> bool:
        """Whether there is anything to draw."""
        return any(point[metric] is not None for point in self.points for metric in metrics)

    def values_in_view(self, metrics: Sequence[str]) -> list[float]:
        """All values that the view shows."""
        return [point[metric] for point in self.in_view for metric in metrics if point[metric] is not None]

    def course(self, metric: str, weight: float) -> list[float | None] | None:
        """The smoothed values; None where there is too little to smooth, or no wish to."""
        raw = [point[metric] for point in self.points]
        if not weight or sum(value is not None for value in raw) < curves.FEW:
            return None
        means = [
            value if value is None else (point["means"] or point)[metric]
            for value, point in zip(raw, self.points, strict=True)
        ]
        return curves.smoothed(means, [point["stands_for"] for point in self.points], weight, self.stored_in_view)


def as_it_counts(points: Sequence[Point], checkpoints: Sequence[Checkpoint] = ()) -> tuple[list[Point], list[int]]:
    """The points that no later restart or attempt replaced, and the steps that training resumed at."""
    counted = [point for point in points if not point["superseded"]]
    changes = [pair for pair in pairwise(counted) if run_of(pair[0]) != run_of(pair[1])]
    return counted, [_seam(before, after, checkpoints) for before, after in changes]


def _seam(before: Point, after: Point, checkpoints: Sequence[Checkpoint]) -> int:
    """Where points are few, the checkpoint that training went on from says it better than the last point before it."""
    saved = [
        each.step for each in checkpoints if (each.attempt, each.restart) < run_of(after) and each.step < after["step"]
    ]
    return max(before["step"], *saved) if saved else int(before["step"])


def run_of(point: Point) -> tuple[int, int]:
    """What is drawn as one line: an attempt's restart."""
    return point["attempt"], point["restart"]


def is_gap(point: Point, *, now_and_then: bool) -> bool:
    """Whether a value that is missing here interrupts its line: where the step has others, it was no number."""
    return not now_and_then and any(point.get(name) is not None for name in _OF_A_STEP)
