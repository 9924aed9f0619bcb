"""Both axes of a picture as its look wants them, and in words what therefore is not to be seen."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from jobs import curves
from jobs.charts.runs import Run
from jobs.charts.subjects import Subject
from jobs.curves import Look

_UNITS = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def span(axes: Axes, run: Run, subject: Subject, look: Look) -> list[str]:
    """Sets what both axes show; gives back what is not to be seen, each in words."""
    if look.view is not None and run.ends[0] < run.ends[1]:
        axes.set_xlim(*run.ends)
    if look.axis == "step":
        _widen(axes)
    _write_x(axes, look)
    values = run.values_in_view(subject.metrics)
    (low, high), outside = curves.span(values, log=look.log, clip=look.clip)
    if subject.span is not None:
        (low, high), outside = subject.span, 0
    axes.set_ylim(low, high)  # first: a log scale does not look for limits of its own then
    if look.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: curves.tick(value)))
    is_thin = run.stored_in_view > len(run.in_view)
    return curves.notes(
        values, (low, high), outside, log=look.log, is_thin=is_thin, axis=look.axis, left_out=run.left_out
    )


def _write_x(axes: Axes, look: Look) -> None:
    if look.axis != "time":
        axes.set_xlabel(look.axis.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=look.axis == "step"))
        if look.axis == "step":
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        return
    left, right = axes.get_xlim()
    unit, seconds = next((unit, seconds) for unit, seconds in _UNITS if right - left >= 2 * seconds or seconds == 1)
    axes.set_xlabel(f"Time since the first step ({unit})")
    axes.xaxis.set_major_locator(_Multiples(seconds))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / seconds:g}"))


class _Multiples(MaxNLocator):
    """Ticks at round numbers of a unit of so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(nbins=9)
        self._seconds = seconds

    def tick_values(self, vmin: float, vmax: float) -> Any:
        return np.asarray(super().tick_values(vmin / self._seconds, vmax / self._seconds)) * self._seconds


def _widen(axes: Axes) -> None:
    """Room for whole steps around a single one."""
    left, right = axes.get_xlim()
    if right - left < 2:
        axes.set_xlim(round(left) - 1, round(right) + 1)
