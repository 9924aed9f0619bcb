"""A training run of the simulated cluster: everything about it follows from its plan, its orders and the time.

`Run` is what is *true*. What the cluster says of it, late, twice or wrongly, is in `cluster`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]

COMPLETED, FAILED, CANCELLED = "completed", "failed", "cancelled"


@dataclass(frozen=True)
class Plan:
    """How a run goes unless somebody stops it. Times in seconds of the cluster's clock."""

    queue_s: int = 5
    steps: int = 4
    step_s: int = 20
    end: str = COMPLETED  # or the error code that it fails with
    falls_back_at: int | None = None  # after so many points it resumes by itself, some steps earlier
    diverges_at: int | None = None  # from this point on its loss is NaN
    stop_s: int = 10  # from a cancel to free GPUs
    upload_s: int = 20  # from free GPUs to a kept adapter


@dataclass(frozen=True)
class Point:
    """A point of the curve, at a moment of the cluster's clock."""

    seq: int
    at: datetime
    restart: int
    step: int
    loss: float | None  # None: NaN


@dataclass
class Run:
    """One paid job at the cluster."""

    external_id: str
    job_id: str
    attempt: int
    gpu_count: int
    labels: Json
    accepted_at: datetime
    plan: Plan
    cancelled_at: datetime | None = None
    keeps_adapter: bool = False
    broken: tuple[datetime, str] | None = None  # when a node was lost, and the code for it
    is_forgotten: bool = False  # the cluster no longer knows it; its GPUs are free
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        at, restart, step = self.started_at, 0, 0
        while step < self.plan.steps:
            at += timedelta(seconds=self.plan.step_s)
            step += 1
            number = len(self.points) + 1
            diverged = self.plan.diverges_at is not None and number >= self.plan.diverges_at
            loss = None if diverged else round(3.0 / number, 6)
            self.points.append(Point(number, at, restart, step, loss))
            if number == self.plan.falls_back_at and restart == 0:
                restart, step = 1, step // 2

    @property
    def started_at(self) -> datetime:
        return self.accepted_at + timedelta(seconds=self.plan.queue_s)

    @property
    def end(self) -> tuple[datetime, str, str]:
        """When its GPUs are or will be free, how it ends, and the error code; as far as is known by now."""
        natural = self.points[-1].at + timedelta(seconds=1)
        ends = [(natural, COMPLETED if self.plan.end == COMPLETED else FAILED, self.plan.end)]
        if self.broken is not None:
            ends.append((self.broken[0], FAILED, self.broken[1]))
        if self.cancelled_at is not None:
            waits = timedelta(0) if self.cancelled_at < self.started_at else timedelta(seconds=self.plan.stop_s)
            ends.append((self.cancelled_at + waits, CANCELLED, ""))
        return min(ends)

    def is_free(self, at: datetime) -> bool:
        """Whether it holds no GPUs (any more)."""
        return self.is_forgotten or at >= self.end[0]

    def state(self, at: datetime) -> str:
        """queued, running, cancelling or how it ended."""
        freed_at, outcome, _ = self.end
        if at >= freed_at:
            return "cancelling" if self.is_uploading(at) else outcome
        if self.cancelled_at is not None and at >= self.cancelled_at:
            return "cancelling"
        return "running" if at >= self.started_at else "queued"

    def is_uploading(self, at: datetime) -> bool:
        """Whether it is off its GPUs, and busy with the adapter that is to be kept."""
        freed_at, outcome, _ = self.end
        if outcome != CANCELLED or not self.keeps_adapter or freed_at <= self.started_at:
            return False
        return freed_at <= at < freed_at + timedelta(seconds=self.plan.upload_s)

    def state_seq(self, at: datetime) -> int:
        """Rises with each change of state, and never falls."""
        freed_at, outcome, _ = self.end
        moments = [self.accepted_at]
        if self.started_at < freed_at:
            moments.append(self.started_at)
        if self.cancelled_at is not None and self.cancelled_at < freed_at:
            moments.append(self.cancelled_at)
        moments.append(freed_at)
        if outcome == CANCELLED and self.keeps_adapter:
            moments.append(freed_at + timedelta(seconds=self.plan.upload_s))
        return sum(moment <= at for moment in moments)

    def billable_s(self, at: datetime) -> float:
        """Seconds on its GPUs so far."""
        return max((min(at, self.end[0]) - self.started_at).total_seconds(), 0.0)

    def seen(self, at: datetime) -> list[Point]:
        """The points that there are by now."""
        until = min(at, self.end[0])
        return [point for point in self.points if point.at <= until]
