"""Draws what happened at which step over the curves, as the page does (static/charts/marks.js)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from jobs.charts.happenings import Alert, Checkpoint
from jobs.charts.inks import INKS, Theme

TEXT_SHARE = 0.16  # of the width, at most
_TEXT_SIZE = 8.5
_DIAMOND, _TRIANGLE = 6.5, 7.5


@dataclass(frozen=True)
class Pen:
    """Draws marks into axes that have their span."""

    axes: Axes
    theme: Theme

    def seams(self, places: Sequence[float], steps: Sequence[int], *, row: int) -> None:
        """A dashed line where each resumption begins, with its step beside it in that row of texts."""
        for place in self._in_view(places):
            self.axes.axvline(place, color=self._ink("line-strong"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        texts = [f"resumed at step {step:,}" for step in steps]
        self._texts(places, texts, ink="muted", row=row)

    def checkpoints(self, places: Sequence[float], saved: Sequence[Checkpoint]) -> None:
        """A diamond on the x axis, filled for the best one."""
        for is_best in (False, True):
            chosen = [place for place, each in zip(places, saved, strict=True) if each.is_best == is_best]
            ink = self._ink("good" if is_best else "muted")
            fill = ink if is_best else self._ink("surface")
            label = "Best checkpoint" if is_best else "Checkpoint"
            self._markers(chosen, 0, label, marker="D", markersize=_DIAMOND, markerfacecolor=fill, markeredgecolor=ink)

    def alerts(self, places: Sequence[float], found: Sequence[Alert]) -> None:
        """A triangle at the top, with a word beside it."""
        ink = self._ink("warn")
        self._markers(places, 1, "Alert", marker="v", markersize=_TRIANGLE, markerfacecolor=ink, markeredgecolor=ink)
        self._texts(places, [each.text for each in found], ink="warn", row=0)

    def _markers(self, places: Sequence[float], height: float, label: str, **style: Any) -> None:
        """Markers at a height of the axes: 0 the bottom, 1 the top."""
        if not (shown := self._in_view(places)):
            return
        heights = [height] * len(shown)
        across = self.axes.get_xaxis_transform()
        line = Line2D(shown, heights, linestyle="none", transform=across, label=label, **style)
        line.set(clip_on=False, zorder=5, markeredgewidth=1.2)
        self.axes.add_line(line)

    def _texts(self, places: Sequence[float], texts: Sequence[str], *, ink: str, row: int) -> None:
        """Beside each place, at its left where there is no room at its right, unless two would lie on each other."""
        left, right = self.axes.get_xlim()
        room = (right - left) * TEXT_SHARE
        free = left
        for place, text in zip(places, texts, strict=True):
            if not left <= place <= right:
                continue
            is_at_right = place < right - room
            start = place if is_at_right else place - room
            if start < free:
                continue
            free = start + room
            self.axes.annotate(
                text,
                (place, 1),
                xycoords=("data", "axes fraction"),
                xytext=(9 if is_at_right else -9, -3 - 14 * row),
                textcoords="offset points",
                ha="left" if is_at_right else "right",
                va="top",
                fontsize=_TEXT_SIZE,
                color=self._ink(ink),
                parse_math=False,
                bbox={"facecolor": self._ink("surface"), "alpha": 0.8, "linewidth": 0, "pad": 1},
            ).set_in_layout(False)

    def _in_view(self, places: Sequence[float]) -> list[float]:
        left, right = self.axes.get_xlim()
        return [place for place in places if left <= place <= right]

    def _ink(self, name: str) -> str:
        return INKS[self.theme][name]
