"""The loss curve as a picture: points in, bytes of a PNG, SVG or PDF out.

Uses matplotlib's objects directly, without pyplot's list of open figures, and draws one picture at a time,
since matplotlib's settings belong to the whole process: any thread may call. Names are drawn letter by letter
as they are: `$` and `_` in a user's text are not mathematics.
"""

import io
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator

Format = Literal["png", "svg", "pdf"]
Point = Mapping[str, Any]

TRAINING, VALIDATION = "#d9730d", "#2563eb"  # as on the monitor page: orange, and blue dashed with markers
INK, MUTED, GRID = "#1f2933", "#616e7c", "#e4e7eb"
SIZE_INCHES, DPI = (9.0, 5.0), 160
MARGIN_INCHES = 0.2
LONGEST_TITLE, LONGEST_SUBTITLE = 60, 90
FEW_POINTS = 40  # up to so many are marked one by one
SEAM_TEXT_SHARE = 0.16  # of the width, at most

_one_at_a_time = threading.Lock()
# Same input, same bytes: no date, no random ids, text as text.
_STYLE: Any = {"font.family": "DejaVu Sans", "svg.hashsalt": "lora-pipeline", "svg.fonttype": "none", "font.size": 10.0}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def loss_curve(points: Sequence[Point], *, title: str, subtitle: str = "", file_format: Format = "png") -> bytes:
    """Training and validation loss over the steps.

    `points` are in the order of attempt, restart and step, with those keys, `superseded` (a later restart or
    attempt trained the step again) and the two losses, None where a value is missing. Drawn is the run as it counts,
    without what was trained again. Where training resumed the curve is interrupted and a line names the
    step.
    """
    points, seams = as_it_counts(points)
    with _one_at_a_time, rc_context(_STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="white")
        figure.set_layout_engine("constrained", w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes, title, subtitle)
        drawn = [
            _draw(axes, points, "training_loss", "Training loss", color=TRAINING, linewidth=1.4, zorder=2),
            _draw(
                axes,
                points,
                "validation_loss",
                "Validation loss",
                color=VALIDATION,
                linewidth=1.6,
                linestyle=(0, (5, 2.5)),
                marker="o",
                markersize=4.5,
                markeredgecolor="white",
                markeredgewidth=0.8,
                zorder=3,
            ),
        ]
        if any(drawn):
            _widen(axes)
            _draw_seams(axes, seams)
            axes.legend(loc="upper right", facecolor="white", edgecolor="none", framealpha=0.9, labelcolor=INK)
        else:
            _say_empty(axes)
        target = io.BytesIO()
        figure.savefig(target, format=file_format, metadata=_METADATA[file_format])
    return target.getvalue()


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


def _draw(axes: Axes, points: Iterable[Point], name: str, label: str, **style: Any) -> bool:
    """One series; whether there was anything to draw. A run's restarts are not joined."""
    steps: list[float] = []
    values: list[float] = []
    run = None
    for point in points:
        value = point[name]
        if value is None:
            continue  # measured apart from the other series: no gap
        if run not in (None, _run(point)):
            steps.append(math.nan)
            values.append(math.nan)
        run = _run(point)
        steps.append(point["step"])
        values.append(value)
    if not steps:
        return False
    if len(steps) <= FEW_POINTS:
        style.setdefault("marker", "o")
        style.setdefault("markersize", 3.5)
    axes.plot(steps, values, label=label, solid_joinstyle="round", **style)
    return True


def as_it_counts(points: Sequence[Point]) -> tuple[list[Point], list[int]]:
    """The points that no later restart or attempt replaced, and the steps that training resumed at."""
    counted = [point for point in points if not point["superseded"]]
    seams = [before["step"] for before, after in pairwise(counted) if _run(before) != _run(after)]
    return counted, seams


def _draw_seams(axes: Axes, seams: Sequence[int]) -> None:
    """A dashed line where each resumption begins, with its step beside it, unless two would lie on each other."""
    left, right = axes.get_xlim()
    free = left
    for step in seams:
        axes.axvline(step, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        is_at_right = step < right - (right - left) * SEAM_TEXT_SHARE
        start = step if is_at_right else step - (right - left) * SEAM_TEXT_SHARE
        if start < free:
            continue
        free = start + (right - left) * SEAM_TEXT_SHARE
        axes.annotate(
            f"resumed at step {step:,}",
            (step, 0),
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
