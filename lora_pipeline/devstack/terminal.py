"""What the user of bin/demo sees: one live table in a terminal, plain lines elsewhere."""

import threading
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_COLOURS = {"running": "green", "completed": "bold green", "failed": "bold red", "cancelled": "yellow"}
_PERCENT_PER_LINE = 10  # of progress between two plain lines
_LONGEST_DETAIL = 40


class Terminal:
    """Says things, and shows jobs; any thread may call it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._last: dict[str, tuple[object, ...]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.freeze()

    def say(self, line: str) -> None:
        """One line, above the table."""
        with self._lock:
            self._console.print(Text(line), soft_wrap=True)

    def show(self, jobs: list[dict[str, Any]]) -> None:
        """The jobs as they are now."""
        with self._lock:
            if not self._console.is_terminal:
                self._print_changes(jobs)
            elif self._live is None:
                self._live = Live(_table(jobs), console=self._console, auto_refresh=False)
                self._live.start(refresh=True)
            else:
                self._live.update(_table(jobs), refresh=True)

    def freeze(self) -> None:
        """The table as it is stays; what comes is printed below it."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _print_changes(self, jobs: list[dict[str, Any]]) -> None:
        for job in jobs:
            mark = (job["status"], _stage(job, _PERCENT_PER_LINE), int((job["progress"] or 0) // _PERCENT_PER_LINE))
            if self._last.get(job["id"]) != mark:
                self._last[job["id"]] = mark
                self._console.print(
                    Text(
                        f"{job['name']}: {job['status']}, {_stage(job)}{_detail(job)}, {_percent(job)}, "
                        f"loss {_loss(job)}, cost {_cost(job)}"
                    ),
                    soft_wrap=True,
                )


def _table(jobs: list[dict[str, Any]]) -> Group:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Job", "Status", "Stage", "Progress", "", "Loss", "Cost"):
        table.add_column(heading, justify="right" if heading in ("", "Loss", "Cost") else "left", no_wrap=True)
    for job in jobs:
        table.add_row(
            Text(job["name"]),
            Text(job["status"], style=_COLOURS.get(job["status"], "cyan")),
            Text(_stage(job) + _detail(job)),
            ProgressBar(total=100, completed=job["progress"] or 0, width=24),
            _percent(job),
            _loss(job),
            _cost(job),
        )
    return Group(Text(), table, Text())


def _stage(job: dict[str, Any], rounded: int = 1) -> str:
    """The stage, and how far it is where it has a progress of its own: "model_loading 40%"."""
    progress = job.get("stage_progress")
    share = "" if progress is None else f" {progress // rounded * rounded:.0f}%"
    return f"{job['current_stage'] or ''}{share}"


def _detail(job: dict[str, Any]) -> str:
    """What a job that does not train yet is busy with: its trainer being installed, its model fetched."""
    detail = job.get("stage_detail") or ""
    return f" ({detail[:_LONGEST_DETAIL]})" if detail and job["status"] == "initializing" else ""


def _percent(job: dict[str, Any]) -> str:
    return f"{job['progress'] or 0:.0f}%"


def _loss(job: dict[str, Any]) -> str:
    loss = (job.get("current_metrics") or {}).get("training_loss")
    return "-" if loss is None else f"{loss:.3f}"


def _cost(job: dict[str, Any]) -> str:
    """What it has cost so far, and what was expected: no limit, so "of" would be the wrong word."""
    if job.get("final_cost") is not None:
        return f"${job['final_cost']:.2f}"
    return f"${job.get('current_cost') or 0:.2f} (about ${job.get('estimated_total_cost') or 0:.2f} expected)"
