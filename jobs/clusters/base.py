"""What the control plane asks of a GPU cluster, whatever its driver.

A driver is a class with the methods of `Cluster`. It knows no rows: dataclasses go in and come out. It
never retries and never decides what a fault means for a job; it says precisely what is known:

    NotSent      the request certainly had no effect: try again later (with `retry_after_s` where told);
                 Unreachable where there was no connection either
    Unknown      the request may have had an effect: ask again with the same key, look it up, or wait;
                 Unanswered where there was no answer at all
    Refused      the cluster understood and said no for good; its words are for the user
    Denied       our key is not accepted
    Unreadable   the answer makes no sense (garbage, too large, a redirect)
    NoSuchJob    the cluster does not know this external id
    NoSuchRoute  the cluster does not know a route that it announced: it can do less than it could

Numbers that are not finite arrive as None plus an entry in `nonfinite`. Times carry a time zone and are
the cluster's own clock: compare them only with each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

# -- Faults ----------------------------------------------------------------------------------------------


class ClusterError(Exception):
    """A call to a cluster did not give what was asked for. `message` may be shown to users: no secrets."""

    permanent = False

    def __init__(self, message: str, *, retry_after_s: float | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.code = code


class NotSent(ClusterError):
    """Certainly without effect: connection refused, 402, 429 or 503, submission in flight under the same key."""


class Unreachable(NotSent):
    """No connection, or no usable address: the cluster never heard of the request."""


class Unknown(ClusterError):
    """Timeout, reset, any other 5xx: it may have happened."""


class Unanswered(Unknown):
    """No answer at all: a timeout, a reset."""


class Refused(ClusterError):
    """A lasting no: 400, 404, 409, 422 on submit, and the like."""

    permanent = True


class NoSuchRoute(Refused):
    """404, 405 or 501 where no job was asked for: what the cluster once said it can do is no longer so."""


class AlreadyExists(ClusterError):
    """The cluster says that it has this job already, without saying which: look it up."""


class Denied(ClusterError):
    """401 or 403: the key is wrong. Every job waits until an operator mends it."""


class Unreadable(Unknown):
    """An answer that is garbage, too large, too slow or a redirect. Its effect is as unknown as a timeout's."""


class NoSuchJob(ClusterError):
    """404 for an external id."""


# -- What goes in ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DatasetRef:
    url: str = field(repr=False)
    sha256: str
    bytes: int
    url_expires_at: datetime


@dataclass(frozen=True)
class RemoteFile:
    """A file behind a signed GET; `path` is relative to the whole that it is part of."""

    path: str
    size: int
    url: str = field(repr=False)
    sha256: str | None = None


@dataclass(frozen=True)
class ModelSource:
    """Where a base model comes from. `kind` is folder, hub, package or files; `files` belong to the last alone."""

    kind: str
    location: str
    files: Sequence[RemoteFile] = ()
    licence: str = ""


@dataclass(frozen=True)
class ResumePoint:
    """A checkpoint to go on from: whose run saved it, at which step, and its files in storage."""

    external_job_id: str
    step: int
    files: Sequence[RemoteFile] = ()


@dataclass(frozen=True)
class Submission:
    """One attempt. `key` is its idempotency key; a repeated submit carries the same values but for URLs."""

    job_id: str
    attempt: int
    key: str
    dataset: DatasetRef
    base_model: str
    hyperparameters: Mapping[str, Any]
    gpu_type: str
    gpu_count: int
    max_runtime_s: int
    labels: Mapping[str, str]
    callback_url: str | None = None
    callback_token: str | None = field(default=None, repr=False)
    base_model_source: ModelSource | None = None
    validation: DatasetRef | None = None
    resume_from: ResumePoint | None = None


@dataclass(frozen=True)
class PollRequest:
    """Which job, and the cursor of the last point that is stored (0: none)."""

    external_job_id: str
    after: int = 0


# -- What comes out --------------------------------------------------------------------------------------

ENDED_STATES = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Capabilities:
    """`level` 1 has no features. `gpu_types` is empty where the cluster does not say."""

    level: int
    features: frozenset[str] = frozenset()
    gpu_types: tuple[tuple[str, int], ...] = ()
    simulated: bool = False

    @property
    def keeps_adapters(self) -> bool:
        """Whether a run that is stopped can leave what it learned: its GPUs are waited for, its files handed over."""
        return self.features >= {"async_cancel", "artifacts"}

    def has(self, feature: str) -> bool:
        return feature in self.features


@dataclass(frozen=True)
class Billing:
    billable_seconds: float
    gpu_count: int | None = None
    final: bool = False


@dataclass(frozen=True)
class Point:
    """Values of one step; None where missing or not finite."""

    step: int
    restart: int = 0
    epoch: float | None = None
    at: datetime | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    nonfinite: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """A job as its cluster describes it. `state` is one of queued, running, cancelling, completed, failed,
    cancelled, or, verbatim, anything else the cluster said; None means "not said". `stage_progress` is in percent
    of the stage; `checkpoints` counts those that lie in storage."""

    external_job_id: str
    state: str
    stage: str | None = None
    stage_detail: str | None = None
    stage_progress: float | None = None
    progress: float | None = None
    current_epoch: int | None = None
    total_epochs: int | None = None
    current_step: int | None = None
    total_steps: int | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    nonfinite: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None
    error_message: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    released_at: datetime | None = None
    heartbeat_at: datetime | None = None
    billing: Billing | None = None
    state_seq: int | None = None
    restart: int = 0
    eta_s: float | None = None
    model_files: Mapping[str, str] | None = field(default=None, repr=False)
    checkpoints: int = 0
    simulated: bool = False


@dataclass(frozen=True)
class Polled:
    """Status and the points after the cursor. `next` is the cursor to store; `has_more`: ask again at once."""

    status: Status
    points: Sequence[Point] = ()
    next: int = 0
    has_more: bool = False


@dataclass(frozen=True)
class Known:
    """A job that a cluster lists: enough to adopt it or to stop it."""

    external_job_id: str
    job_id: str
    attempt: int | None
    state: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogPage:
    lines: Sequence[str]
    next: int
    has_more: bool = False


@dataclass(frozen=True)
class ArtifactFile:
    """`url` is None where the cluster delivered the file itself through a signed upload URL."""

    path: str
    size: int | None
    sha256: str | None
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ArtifactListing:
    files: Sequence[ArtifactFile]
    complete: bool


@dataclass(frozen=True)
class SavedCheckpoint:
    """A state of a run that its cluster saved. `path` is its folder below the run's, its files lie below that."""

    path: str
    step: int
    restart: int
    files: Sequence[ArtifactFile]
    epoch: float | None = None
    validation_loss: float | None = None
    at: datetime | None = None


class Cluster(Protocol):
    """A driver. Every call has a deadline of its own (connect 5 s, whole call 20 s by default)."""

    def capabilities(self) -> Capabilities:
        """What the cluster can do. Raises when that cannot be known now: then nothing may be submitted."""
        ...

    def submit(self, submission: Submission, *, capabilities: Capabilities) -> str:
        """Start the job and return the cluster's id for it. Raises NotSent, Unknown, Refused, AlreadyExists, Denied."""
        ...

    def poll(
        self, requests: Sequence[PollRequest], *, capabilities: Capabilities
    ) -> Mapping[str, Polled | ClusterError]:
        """State and new points of each job, by external id; a job's own fault is its value. At most 200 jobs.

        Raises only what concerns all of them (Denied, Unknown, NotSent).
        """
        ...

    def cancel(
        self, external_job_id: str, *, reason: str, keep_adapter: bool, capabilities: Capabilities
    ) -> Status | None:
        """Ask for a stop; safe to repeat. The job's status where the answer carries one. Raises NoSuchJob."""
        ...

    def find(self, job_id: str) -> Sequence[Known]:
        """All jobs of that job_id, ended ones too (feature `lookup`)."""
        ...

    def active(self) -> Iterator[Known]:
        """All jobs that have not ended, ours and others' (feature `lookup`)."""
        ...

    def logs(self, external_job_id: str, *, after: int) -> LogPage:
        """Log lines after the cursor (feature `logs_cursor`)."""
        ...

    def artifacts(self, external_job_id: str) -> ArtifactListing:
        """The files that the job produced (feature `artifacts`)."""
        ...

    def checkpoints(self, external_job_id: str) -> Sequence[SavedCheckpoint]:
        """The checkpoints that a new run could go on from (feature `checkpoints`); those not fit to store left out."""
        ...

    def download(self, url: str) -> Iterator[bytes]:
        """The content behind an artifact's URL, streamed in pieces; the key is not sent to other hosts."""
        ...
