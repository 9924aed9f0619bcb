"""A job's record as the node keeps it: pure data, no clock, no rows, no network.

`status` is what the contract shows. `phase` is where the node's own work stands:

    PROVISIONING  environment and base model are being made ready     queued
    WAITING       in the queue for GPUs                               queued
    PREPARING     has GPUs, its inputs are being fetched and checked  running
    RUNNING       in the executor's hands                             running | cancelling
    DELIVERING    GPUs given back, files on their way to the bucket   running | cancelling
    ENDED         nothing will change any more                        completed | failed | cancelled
"""

from dataclasses import dataclass
from enum import StrEnum

from gpu_node.provisioning import Provided
from gpu_node.spec import JobSpec


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    PROVISIONING = "provisioning"
    WAITING = "waiting"
    PREPARING = "preparing"
    RUNNING = "running"
    DELIVERING = "delivering"
    ENDED = "ended"


@dataclass(frozen=True)
class Inputs:
    """A dataset that was fetched and found to be the one ordered."""

    lines: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Transition:
    """One change of status: to what, when (seconds since the epoch), why."""

    state: str
    at: float
    reason: str


@dataclass(frozen=True)
class Verdict:
    """How a job ends: known when the executor is done, shown once its files are settled."""

    status: Status
    reason: str
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class Stop:
    """The order to end a run early; `verdict` is what the job becomes once its GPUs are free."""

    at: float
    verdict: Verdict
    keep_adapter: bool
    forced: bool = False
    """The dead man's switch has spoken: no grace is left."""


@dataclass(frozen=True)
class Job:
    """Everything the node knows about one job. Times are seconds since the epoch."""

    number: int
    external_id: str
    spec: JobSpec
    key: str | None
    created_at: float
    status: Status = Status.QUEUED
    phase: Phase = Phase.WAITING
    fetching: bool = False
    started_at: float | None = None
    released_at: float | None = None
    ended_at: float | None = None
    inputs: Inputs | None = None
    stop: Stop | None = None
    verdict: Verdict | None = None
    delivered: bool = False
    provided: Provided | None = None
    checkpoints_sent: tuple[str, ...] = ()
    """Paths of the checkpoints that lie in the control plane's bucket."""
    transitions: tuple[Transition, ...] = ()

    @property
    def ended(self) -> bool:
        return self.phase is Phase.ENDED

    @property
    def holds_gpus(self) -> bool:
        return self.started_at is not None and self.released_at is None

    @property
    def deadline(self) -> float | None:
        """When the dead man's switch ends the run; counted from the moment it got its GPUs."""
        if self.started_at is None or self.spec.max_runtime_s is None:
            return None
        return self.started_at + self.spec.max_runtime_s

    def billable_seconds(self, now: float) -> float:
        """GPU time so far: from getting the GPUs to giving them back, waiting and uploading not counted."""
        if self.started_at is None:
            return 0.0
        end = now if self.released_at is None else self.released_at
        return max(0.0, end - self.started_at)
