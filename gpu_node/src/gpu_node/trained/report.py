"""What a trainer reported, added up event by event. Pure.

Events are those of the trainer's events.jsonl. One that cannot be read (a line that a crash cut) is skipped.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpu_node.executor import Point, ProducedFile, SavedCheckpoint


@dataclass(frozen=True)
class Start:
    """One start of the trainer; `resumed_from` is the step it went on from."""

    restart: int
    at: float
    resumed_from: int | None


@dataclass(frozen=True)
class End:
    outcome: str
    at: float
    error_code: str | None
    error_message: str | None


@dataclass
class Report:
    """The sum of all events so far. `furthest` is the highest step ever reached, over all restarts."""

    starts: list[Start] = field(default_factory=list)
    stage: str = "initializing"
    detail: str | None = None
    total_steps: int | None = None
    total_epochs: int | None = None
    step: int = 0
    epoch: float = 0.0
    furthest: int = 0
    values: dict[str, float | None] = field(default_factory=dict)
    checkpoints: list[SavedCheckpoint] = field(default_factory=list)
    output: tuple[ProducedFile, ...] = ()
    end: End | None = None
    pace: tuple[tuple[int, float], tuple[int, float]] | None = None
    """Step and moment of the first and of the last point since the last start."""

    def add(self, line: bytes) -> None:
        """Takes in one line of events.jsonl."""
        event = decode(line)
        take = getattr(self, f"_{event.get('event')}", None) if event else None
        if event is None or take is None:
            return
        try:
            take(event)
        except (KeyError, TypeError, ValueError):
            return

    @property
    def restart(self) -> int:
        return self.starts[-1].restart if self.starts else 0

    def eta_s(self, now: float) -> float | None:
        """Seconds to the last step at the pace since the last start; None before two steps are known."""
        if self.pace is None or self.total_steps is None or self.stage not in {"training", "saving"}:
            return None
        (first, began), (last, reached) = self.pace
        if last <= first or reached <= began:
            return None
        left = (self.total_steps - last) * (reached - began) / (last - first)
        return max(0.0, left - max(0.0, now - reached))

    def _start(self, event: Mapping[str, Any]) -> None:
        resumed = event.get("resumed_from_step")
        start = Start(int(event["restart"]), float(event["at"]), None if resumed is None else int(resumed))
        self.starts.append(start)
        self.stage, self.detail = "initializing", None
        self.step = start.resumed_from or 0
        self.output, self.end, self.pace = (), None, None

    def _stage(self, event: Mapping[str, Any]) -> None:
        self.stage, self.detail = str(event["stage"]), str(event.get("detail") or "") or None

    def _plan(self, event: Mapping[str, Any]) -> None:
        self.total_steps = int(event["total_steps"])
        self.total_epochs = math.ceil(float(event["total_epochs"]))
        self.step = int(event.get("start_step") or 0)

    def _point(self, event: Mapping[str, Any]) -> None:
        point = as_point(0, event)
        self.step, self.epoch = point.step, point.epoch
        self.furthest = max(self.furthest, point.step)
        self.values.update(point.values)
        first = self.pace[0] if self.pace else (point.step, point.at)
        self.pace = (first, (point.step, point.at))

    def _checkpoint(self, event: Mapping[str, Any]) -> None:
        loss = event.get("validation_loss")
        self.checkpoints.append(
            SavedCheckpoint(
                path=str(event["path"]),
                step=int(event["step"]),
                epoch=float(event["epoch"]),
                restart=int(event["restart"]),
                validation_loss=None if loss is None else float(loss),
                at=float(event["at"]),
                files=_files(event["files"]),
            )
        )

    def _output(self, event: Mapping[str, Any]) -> None:
        self.output = _files(event["files"])

    def _end(self, event: Mapping[str, Any]) -> None:
        code, message = event.get("error_code"), event.get("error_message")
        self.end = End(str(event["outcome"]), float(event["at"]), code, message)


def decode(line: bytes) -> dict[str, Any] | None:
    """The event of a line; None when it is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def is_point(line: bytes) -> bool:
    """Whether the line is a point that can be read; those are the ones with numbers."""
    event = decode(line) if b'"point"' in line else None
    if event is None or event.get("event") != "point":
        return False
    try:
        as_point(0, event)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def as_point(seq: int, event: Mapping[str, Any]) -> Point:
    """The event as a point; raises KeyError, TypeError or ValueError for one that is none."""
    values = {name: None if value is None else float(value) for name, value in event["values"].items()}
    values |= {name: float(word) for name, word in (event.get("nonfinite") or {}).items()}
    return Point(
        seq, int(event["restart"]), int(event["step"]), float(event["epoch"]), float(event["at"]), values
    )


def _files(listed: list[Mapping[str, Any]]) -> tuple[ProducedFile, ...]:
    return tuple(ProducedFile(str(each["path"]), int(each["size"]), str(each["sha256"])) for each in listed)
