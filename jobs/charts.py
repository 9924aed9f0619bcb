"""The loss curve as a picture: points in, bytes of a PNG, SVG or PDF out.

Uses matplotlib's objects directly, without pyplot's list of open figures, and draws one picture at a time,
since matplotlib's settings belong to the whole process: any thread may call. Names are drawn letter by letter
as they are: `$` and `_` in a user's text are not mathematics.
"""

import io
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from jobs import curves
from jobs.curves import Look, Point

Format = Literal["png", "svg", "pdf"]

TRAINING, VALIDATION = "#d9730d", "#2563eb"  # as on the monitor page: orange, and blue dashed with markers
INK, MUTED, GRID = "#1f2933", "#616e7c", "#e4e7eb"
SIZE_INCHES, DPI = (9.0, 5.0), 160
MARGIN_INCHES = 0.2
LONGEST_TITLE, LONGEST_SUBTITLE = 60, 90
FEW_POINTS = 40  # up to so many are marked one by one
SEAM_TEXT_SHARE = 0.16  # of the width, at most

FAINT = 0.35  # the values behind their smoothed course
_TRAINING, _VALIDATION = "training_loss", "validation_loss"
_UNITS = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))

_one_at_a_time = threading.Lock()
# Same input, same bytes: no date, no random ids, text as text.
_STYLE: Any = {"font.family": "DejaVu Sans", "svg.hashsalt": "lora-pipeline", "svg.fonttype": "none", "font.size": 10.0}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def loss_curve(
    points: Sequence[Point], *, title: str, subtitle: str = "", file_format: Format = "png", look: Look = curves.PLAIN
) -> bytes:
    """Training and validation loss, over the steps or what else `look` says.

    `points` are as jobs.series has them, in the order of attempt, restart and step. Drawn is the run as it counts,
    without what was trained again. Where training resumed the curve is interrupted and a line names the
    step. Where there is enough to smooth, the training loss is a bold average over its faint values.
    """
    points, seams = as_it_counts(points)
    run = _Run.placed(points, look)
    with _one_at_a_time, rc_context(_STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="white")
        figure.set_layout_engine("constrained", w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes, title, subtitle)
        if run.has_values:
            _draw_losses(axes, run, look)
            _span(axes, run, look)
            _draw_seams(axes, [run.place_of(step) for step in seams], seams)
            axes.legend(loc="upper right", facecolor="white", edgecolor="none", framealpha=0.9, labelcolor=INK)
        else:
            _say_empty(axes)
        target = io.BytesIO()
        figure.savefig(target, format=file_format, metadata=_METADATA[file_format])
    return target.getvalue()


@dataclass(frozen=True)
class _Run:
    """The points that have a place on the axis, their places, and the ends of the view on it."""

    points: list[Point]
    places: list[float]
    ends: tuple[float, float]

    @classmethod
    def placed(cls, points: Sequence[Point], look: Look) -> "_Run":
        all_places = curves.places(points, look.axis)
        kept = [index for index, place in enumerate(all_places) if not math.isnan(place)]
        run = cls([points[index] for index in kept], [all_places[index] for index in kept], (-math.inf, math.inf))
        if look.view is None or not kept:
            return run
        first, last = look.view
        if look.axis == "step":  # a range may reach beyond what there is
            ends = max(float(first), run.places[0]), min(float(last), run.places[-1])
        else:
            ends = run.place_of(first), run.place_of(last)
        return cls(run.points, run.places, ends)

    @property
    def has_values(self) -> bool:
        return any(point[name] is not None for point in self.points for name in (_TRAINING, _VALIDATION))

    @property
    def in_view(self) -> list[Point]:
        low, high = self.ends
        return [point for point, place in zip(self.points, self.places, strict=True) if low <= place <= high]

    def place_of(self, step: int) -> float:
        """The place of the last point up to a step; of the first one before all of them."""
        reached = [place for point, place in zip(self.points, self.places, strict=True) if point["step"] <= step]
        return reached[-1] if reached else self.places[0]


def _draw_losses(axes: Axes, run: _Run, look: Look) -> None:
    raw = [point[_TRAINING] for point in run.points]
    course = None
    if look.smoothing and sum(value is not None for value in raw) >= curves.FEW:
        means = [
            value if value is None else (point["means"] or point)[_TRAINING]
            for value, point in zip(raw, run.points, strict=True)
        ]
        counts = [point["stands_for"] for point in run.points]
        in_view = sum(point["stands_for"] for point in run.in_view)
        course = curves.smoothed(means, counts, look.smoothing, in_view)
    if course is None:
        _draw(axes, run, raw, "Training loss", color=TRAINING, linewidth=1.4, zorder=2)
    else:
        _draw(axes, run, raw, "Training loss", color=TRAINING, linewidth=0.8, alpha=FAINT, zorder=2)
        label = f"Training loss, smoothed {look.smoothing:g}"
        _draw(axes, run, course, label, color=TRAINING, linewidth=1.8, zorder=2.5)
    _draw(
        axes,
        run,
        [point[_VALIDATION] for point in run.points],
        "Validation loss",
        color=VALIDATION,
        linewidth=1.6,
        linestyle=(0, (5, 2.5)),
        marker="o",
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.8,
        zorder=3,
    )


def _span(axes: Axes, run: _Run, look: Look) -> None:
    """Both axes as the look wants them, and in words what therefore is not to be seen."""
    if look.view is not None and run.ends[0] < run.ends[1]:
        axes.set_xlim(*run.ends)
    if look.axis == "step":
        _widen(axes)
    _write_x(axes, look)
    values = [point[name] for point in run.in_view for name in (_TRAINING, _VALIDATION) if point[name] is not None]
    (low, high), outside = curves.span(values, log=look.log, clip=look.clip)
    axes.set_ylim(low, high)  # first: a log scale does not look for limits of its own then
    if look.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    at_or_below_zero = sum(value <= 0 for value in values) if look.log else 0
    notes = [
        f"{outside:,} point{'' if outside == 1 else 's'} outside" if outside else "",
        f"{at_or_below_zero:,} at or below zero, not on a log scale" if at_or_below_zero else "",
    ]
    axes.annotate(
        " · ".join(filter(None, notes)),
        (1, 1),
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        color=MUTED,
    ).set_in_layout(False)


def _write_x(axes: Axes, look: Look) -> None:
    if look.axis != "time":
        axes.set_xlabel(look.axis.capitalize(), color=MUTED)
        if look.axis == "epoch":
            axes.xaxis.set_major_locator(MaxNLocator(nbins=9))
        return
    left, right = axes.get_xlim()
    unit, seconds = next((unit, seconds) for unit, seconds in _UNITS if right - left >= 2 * seconds or seconds == 1)
    axes.set_xlabel(f"Time since the first step ({unit})", color=MUTED)
    axes.xaxis.set_major_locator(_Multiples(seconds))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / seconds:g}"))


class _Multiples(MaxNLocator):
    """Ticks at round numbers of a unit of so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(nbins=9)
        self._seconds = seconds

    def tick_values(self, vmin: float, vmax: float) -> Any:
        return np.asarray(super().tick_values(vmin / self._seconds, vmax / self._seconds)) * self._seconds


def _frame(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(
        _short(title, LONGEST_TITLE), loc="left", fontsize=14, fontweight="bold", color=INK, pad=26, parse_math=False
    )
    axes.annotate(
        _short(subtitle, LONGEST_SUBTITLE),
        (0, 1),
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        color=MUTED,
        parse_math=False,
        annotation_clip=False,
    ).set_in_layout(False)  # a long one is cut off, the curve keeps its width
    axes.set_xlabel("Step", color=MUTED)
    axes.set_ylabel("Loss", color=MUTED)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(colors=MUTED, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)


def _draw(axes: Axes, run: _Run, column: Sequence[float | None], label: str, **style: Any) -> None:
    """One series, if there is anything to draw. A run's restarts are not joined."""
    places: list[float] = []
    values: list[float] = []
    drawn = None
    for point, place, value in zip(run.points, run.places, column, strict=True):
        if value is None:
            continue  # measured apart from the other series: no gap
        if drawn not in (None, _run(point)):
            places.append(math.nan)
            values.append(math.nan)
        drawn = _run(point)
        places.append(place)
        values.append(value)
    if not places:
        return
    if len(places) <= FEW_POINTS:
        style.setdefault("marker", "o")
        style.setdefault("markersize", 3.5)
    axes.plot(places, values, label=label, solid_joinstyle="round", **style)


def as_it_counts(points: Sequence[Point]) -> tuple[list[Point], list[int]]:
    """The points that no later restart or attempt replaced, and the steps that training resumed at."""
    counted = [point for point in points if not point["superseded"]]
    seams = [before["step"] for before, after in pairwise(counted) if _run(before) != _run(after)]
    return counted, seams


def _draw_seams(axes: Axes, places: Sequence[float], seams: Sequence[int]) -> None:
    """A dashed line where each resumption begins, with its step beside it, unless two would lie on each other."""
    left, right = axes.get_xlim()
    free = left
    for place, step in zip(places, seams, strict=True):
        if not left <= place <= right:
            continue
        axes.axvline(place, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        is_at_right = place < right - (right - left) * SEAM_TEXT_SHARE
        start = place if is_at_right else place - (right - left) * SEAM_TEXT_SHARE
        if start < free:
            continue
        free = start + (right - left) * SEAM_TEXT_SHARE
        axes.annotate(
            f"resumed at step {step:,}",
            (place, 0),
            xycoords=("data", "axes fraction"),
            xytext=(4 if is_at_right else -4, 5),
            textcoords="offset points",
            ha="left" if is_at_right else "right",
            fontsize=8.5,
            color=MUTED,
        )


def _widen(axes: Axes) -> None:
    """Room for whole steps around a single one."""
    left, right = axes.get_xlim()
    if right - left < 2:
        axes.set_xlim(round(left) - 1, round(right) + 1)


def _run(point: Point) -> tuple[int, int]:
    return point["attempt"], point["restart"]


def _say_empty(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "No points yet", transform=axes.transAxes, ha="center", va="center", fontsize=13, color=MUTED)


def _short(text: str, longest: int) -> str:
    """One line that fits. A letter that the font does not have (such as Chinese ones) becomes a box."""
    font = get_font(findfont("DejaVu Sans"))
    line = "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in " ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"
