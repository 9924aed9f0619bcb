"""One run in memory: its folder, the node's record of it, and what its trainer reported so far."""

import subprocess
from bisect import bisect_left
from collections import deque
from dataclasses import replace
from typing import Any

from gpu_node.executor import LogLine, Page, Point, Resumption, SavedCheckpoint, Sight
from gpu_node.gpus import Figures
from gpu_node.trained.child import Identity
from gpu_node.trained.folder import RunFolder
from gpu_node.trained.lines import GrowingFile, Times
from gpu_node.trained.record import Record
from gpu_node.trained.report import Report, as_point, decode, is_point

LONGEST_EVENT = 1 << 22
LONGEST_LINE = 1 << 14
FIGURES_KEPT = 4096
FIGURES_REACH_S = 10.0
START_SLACK_S = 1.0
STARTING = "Starting the trainer"


class Run:
    """Reads what its trainer writes; `read` must be called for news to be seen."""

    def __init__(self, folder: RunFolder, record: Record) -> None:
        self.folder = folder
        self.record = record
        self.report = Report()
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self.measured_at = 0.0
        self.weighed_at = record.begun_at
        self._events = GrowingFile(folder.events, is_point, longest=LONGEST_EVENT)
        self._log = GrowingFile(folder.log, lambda line: True, longest=LONGEST_LINE)
        self._seen = Times()
        self._figures: deque[tuple[float, Figures]] = deque(maxlen=FIGURES_KEPT)

    def note(self, **changes: Any) -> None:
        """Changes the record, on disk first."""
        record = replace(self.record, **changes)
        record.save(self.folder.record)
        self.record = record

    def read(self, now: float) -> None:
        """Takes in what was written since the last time."""
        self.read_events()
        self._read_log(now)

    def read_events(self) -> None:
        """Takes in the events alone: all that an ended run needs until somebody asks for its log."""
        for event in self._events.read_new():
            self.report.add(event)

    def measure(self, figures: Figures | None, at: float) -> None:
        """Remembers how busy its GPUs are; None for a run without any."""
        self.measured_at = at
        if figures is not None:
            self._figures.append((at, figures))

    @property
    def pulse(self) -> tuple[object, ...]:
        """What the node wants to be woken for, when it changes."""
        return self.report.stage, self.report.restart, len(self.report.checkpoints), self.record.outcome

    def sight(self, now: float) -> Sight:
        report, outcome = self.report, self.record.outcome
        completed = outcome is not None and outcome.kind == "completed"
        total = report.total_steps
        reached = 100.0 * report.step / total if total else 0.0
        epochs = report.total_epochs
        epoch = int(report.epoch) + 1 if report.step else 0
        return Sight(
            stage=report.stage,
            progress=100.0 if completed else min(99.0, reached),
            epoch=min(epoch, epochs) if epochs else epoch,
            total_epochs=epochs,
            step=report.step,
            total_steps=total,
            metrics=self._current(),
            heartbeat_at=self.folder.heartbeat_at() or self.record.begun_at,
            restart=report.restart,
            resumptions=self._resumptions(),
            eta_s=None if outcome else report.eta_s(now),
            outcome=outcome,
            stage_detail=None if outcome else report.detail or STARTING,
        )

    def points(self, *, after: int, limit: int) -> Page[Point]:
        page = self._events.page(after, limit)
        points = [self._filled(as_point(seq, decode(line) or {})) for seq, line in page]
        last = points[-1].seq if points else after
        return Page(points, last, has_more=last < self._events.count)

    def lines(self, *, after: int, limit: int) -> Page[LogLine]:
        fallback = self.folder.last_sign_of_life() or self.record.begun_at
        self._read_log(fallback)
        lines = [
            LogLine(seq, self._seen.of(seq, fallback), line.decode("utf-8", "replace").rstrip("\r\n"))
            for seq, line in self._log.page(after, limit)
        ]
        last = lines[-1].seq if lines else after
        return Page(lines, last, has_more=last < self._log.count)

    def checkpoints(self) -> tuple[SavedCheckpoint, ...]:
        """All that were saved, and which of them are still here."""
        there = self.folder.saved_checkpoints() if self.report.checkpoints else set()
        return tuple(replace(each, here=each.path in there) for each in self.report.checkpoints)

    def last_words(self) -> str:
        """The last line of the log that says something."""
        tail = self._log.page(max(0, self._log.count - 20), 20)
        texts = [line.decode("utf-8", "replace").strip()[:500] for _, line in tail]
        return next((text for text in reversed(texts) if text), "")

    def _read_log(self, now: float) -> None:
        for _ in self._log.read_new():
            pass
        self._seen.note(self._log.count, now)

    def _current(self) -> dict[str, float | None]:
        values = dict(self.report.values)
        if self._figures:
            figures = self._figures[-1][1]
            values.setdefault("gpu_utilization", figures.utilization)
            values.setdefault("gpu_memory", figures.memory)
        return values

    def _filled(self, point: Point) -> Point:
        """The point, with what NVML said at its moment where the trainer measured nothing itself."""
        if not self._figures or "training_loss" not in point.values:
            return point
        index = bisect_left(self._figures, point.at, key=lambda entry: entry[0])
        at, figures = self._figures[min(index, len(self._figures) - 1)]
        if abs(at - point.at) > FIGURES_REACH_S:
            return point
        measured = {"gpu_utilization": figures.utilization, "gpu_memory": figures.memory}
        return replace(point, values=measured | dict(point.values))

    def _resumptions(self) -> tuple[Resumption, ...]:
        return tuple(
            Resumption(start.restart, start.at, self._why(start.at, start.resumed_from))
            for start in self.report.starts
            if start.restart > 0
        )

    def _why(self, at: float, step: int | None) -> str:
        """Why the trainer was started at that moment, and where it went on."""
        launches = [launch for launch in self.record.launches if launch.at <= at + START_SLACK_S]
        reason = launches[-1].reason if launches else "started again"
        return f"{reason}; {'from the beginning' if not step else f'resumed from step {step}'}"
