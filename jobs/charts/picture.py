"""One chart of a job's as a picture.

Uses matplotlib's objects directly, without pyplot's list of open figures, and draws one picture at a time,
since matplotlib's settings belong to the whole process: any thread may call. Names are drawn letter by letter
as they are: `$` and `_` in a user's text are not mathematics.
"""

import io
import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from jobs import curves
from jobs.charts import axes as spans
from jobs.charts.happenings import NO_MARKS, Marks
from jobs.charts.inks import INKS, Theme
from jobs.charts.marks import Pen
from jobs.charts.runs import Run, as_it_counts, is_gap, run_of
from jobs.charts.subjects import Line, Subject
from jobs.curves import Look, Point

Format = Literal["png", "svg", "pdf"]

SIZE_INCHES, DPI = (9.0, 5.0), 160
MARGIN_INCHES = 0.2
LONGEST_TITLE, LONGEST_SUBTITLE = 60, 90
FEW_POINTS = 40  # up to so many are marked one by one
MOST_MARKERS = 80  # more of them would hide the line
FAINT = 0.35  # the values behind their smoothed course
_FILL = 0.1

_one_at_a_time = threading.Lock()
# Same input, same bytes: no date, no random ids, text as text.
_STYLE: Any = {"font.family": "DejaVu Sans", "svg.hashsalt": "lora-pipeline", "svg.fonttype": "none", "font.size": 10.0}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def picture(
    subject: Subject,
    points: Sequence[Point],
    *,
    title: str,
    subtitle: str = "",
    file_format: Format = "png",
    look: Look = curves.PLAIN,
    marks: Marks | None = NO_MARKS,
    theme: Theme = "light",
) -> bytes:
    """The subject's lines, over the steps or what else `look` says.

    `points` are as jobs.series has them, in the order of attempt, restart and step. Drawn is the run as it counts,
    without what was trained again; where training resumed the line is interrupted. Where there is enough to smooth, a
    noisy line is a bold average over its faint values. `marks` are what happened; None leaves out resumptions as well.
    """
    counted, seams = as_it_counts(points, marks.checkpoints if marks else ())
    run = Run.placed(counted, look)
    with _one_at_a_time, rc_context(_STYLE):
        inks = INKS[theme]
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=inks["surface"])
        figure.set_layout_engine("constrained", w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes, subject, title, subtitle, inks)
        if run.has_values(subject.metrics):
            for line in subject.lines:
                _draw_line(axes, run, line, look, inks)
            _note(axes, spans.span(axes, run, subject, look), inks)
            if marks:
                _draw_marks(Pen(axes, theme), run, seams, marks, subject)
            _explain(axes, inks)
        else:
            _say_empty(axes, _why_empty(subject, counted, look), inks)
        target = io.BytesIO()
        figure.savefig(target, format=file_format, metadata=_METADATA[file_format])
    return target.getvalue()


def _frame(axes: Axes, subject: Subject, title: str, subtitle: str, inks: Mapping[str, str]) -> None:
    axes.set_title(
        _short(title, LONGEST_TITLE),
        loc="left",
        fontsize=14,
        fontweight="bold",
        color=inks["ink"],
        pad=26,
        parse_math=False,
    )
    axes.annotate(
        _short(subtitle, LONGEST_SUBTITLE),
        (0, 1),
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        color=inks["muted"],
        parse_math=False,
        annotation_clip=False,
    ).set_in_layout(False)  # a long one is cut off, the curve keeps its width
    axes.set_facecolor(inks["surface"])
    axes.margins(x=0.01)
    axes.xaxis.label.set_color(inks["muted"])
    axes.set_ylabel(subject.y_label, color=inks["muted"])
    axes.grid(color=inks["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=inks["muted"], length=0)
    axes.tick_params(axis="x", pad=7)  # below the diamonds
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(inks["line"])


def _draw_line(axes: Axes, run: Run, line: Line, look: Look, inks: Mapping[str, str]) -> None:
    raw = [point[line.metric] for point in run.points]
    course = run.course(line.metric, look.smoothing) if line.is_smoothed else None
    style: dict[str, Any] = {"color": inks[line.ink], "zorder": 2}
    if line.now_and_then:
        style |= {"linewidth": 1.6, "linestyle": (0, (5, 2.5)), "zorder": 3}
        if sum(point[line.metric] is not None for point in run.in_view) <= MOST_MARKERS:
            style |= {"marker": "o", "markersize": 4.5}
            style |= {"markeredgecolor": inks["surface"], "markeredgewidth": 0.8}
    elif course is not None:
        style |= {"linewidth": 0.8, "alpha": FAINT}
    else:
        style |= {"linewidth": 1.4}
    _draw(axes, run, raw, line, look, is_filled=line.is_filled, label=line.label, **style)
    if course is not None:
        label = f"{line.label}, smoothed {look.smoothing:g}"
        _draw(axes, run, course, line, look, color=inks[line.ink], linewidth=1.8, zorder=2.5, label=label)


def _draw(
    axes: Axes,
    run: Run,
    column: Sequence[float | None],
    line: Line,
    look: Look,
    *,
    is_filled: bool = False,
    **style: Any,
) -> None:
    """One column, if there is anything to draw: broken where a value is no number, and between a run's restarts."""
    places: list[float] = []
    values: list[float] = []
    drawn, is_broken = None, False
    for point, place, value in zip(run.points, run.places, column, strict=True):
        if value is None or (look.log and value <= 0):
            is_broken |= value is not None or is_gap(point, now_and_then=line.now_and_then)
            continue
        if drawn is not None and (is_broken or drawn != run_of(point)):
            places.append(math.nan)
            values.append(math.nan)
        drawn, is_broken = run_of(point), False
        places.append(place)
        values.append(value)
    if not places:
        return
    if len(places) <= FEW_POINTS:
        style.setdefault("marker", "o")
        style.setdefault("markersize", 3.5)
    axes.plot(places, values, solid_joinstyle="round", **style)
    if is_filled:
        axes.fill_between(places, values, color=style["color"], alpha=_FILL, linewidth=0, zorder=1)


def _draw_marks(pen: Pen, run: Run, seams: Sequence[int], marks: Marks, subject: Subject) -> None:
    has_alerts = subject.has_all_marks and bool(marks.alerts)
    pen.seams([run.place_of(step) for step in seams], seams, row=int(has_alerts))
    if subject.has_all_marks:
        pen.checkpoints([run.place_of(each.step) for each in marks.checkpoints], marks.checkpoints)
        pen.alerts([run.place_of(each.step) for each in marks.alerts], marks.alerts)


def _explain(axes: Axes, inks: Mapping[str, str]) -> None:
    """What each line and shape is, below the curves: never on them. A single line is what the y axis says."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        below: dict[str, Any] = {
            "loc": "upper left",
            "bbox_to_anchor": (0, -0.145),
            "borderaxespad": 0,
            "frameon": False,
            "fontsize": 8.5,
        }
        below |= {"columnspacing": 1.2, "handletextpad": 0.5, "handlelength": 1.6, "ncols": len(labels)}
        axes.legend(handles, labels, labelcolor=inks["ink"], **below)


def _note(axes: Axes, notes: Sequence[str], inks: Mapping[str, str]) -> None:
    axes.annotate(
        " · ".join(notes),
        (1, 1),
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        color=inks["muted"],
    ).set_in_layout(False)


def _why_empty(subject: Subject, points: Sequence[Point], look: Look) -> str:
    if not points:
        return "No points yet"
    if any(point[metric] is not None for point in points for metric in subject.metrics):
        return "The points have no times" if look.axis == "time" else "The points have no epochs"
    return f"The cluster reports no {subject.noun}"


def _say_empty(axes: Axes, text: str, inks: Mapping[str, str]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    where: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    axes.text(0.5, 0.5, text, fontsize=13, color=inks["muted"], **where)


def _short(text: str, longest: int) -> str:
    """One line that fits. A letter that the font does not have (such as Chinese ones) becomes a box."""
    font = get_font(findfont("DejaVu Sans"))
    line = "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in " ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"
