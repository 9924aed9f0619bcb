"""The seam between the node and whatever really runs a job.

The node hands over an order once the GPUs are assigned and the dataset is checked. From then on it only asks:
how does the run look now, which points came after this one. A simulated run computes the answers; a real one
keeps what its child process reported. Neither knows HTTP, the queue or the control plane.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, Protocol, TypeVar

from gpu_node.jobs import Inputs
from gpu_node.provisioning import Provided
from gpu_node.spec import FieldProblem, JobSpec

Item = TypeVar("Item")


@dataclass(frozen=True)
class RunOrder:
    """What to run, on which GPUs, on which checked data.

    `resume_from` is the id of the run whose checkpoint (of `resume_step`, else its newest) this one goes on
    from: it lies in the run's resume folder where the errands put it there, else with that earlier run.
    `provided` is None where the executor needs nothing provided.
    """

    run_id: str
    job_id: str
    base_model: str
    hyperparameters: Mapping[str, Any]
    gpu_type: str
    gpu_count: int
    inputs: Inputs
    resume_from: str | None = None
    resume_step: int | None = None
    validation: Inputs | None = None
    provided: Provided | None = None


@dataclass(frozen=True)
class Outcome:
    """The run is over and its GPUs are free since `at` (seconds since the epoch)."""

    kind: Literal["completed", "failed", "stopped"]
    at: float
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class Resumption:
    """The run went on after an interruption; from here on its points carry `restart`."""

    restart: int
    at: float
    reason: str


@dataclass(frozen=True)
class Sight:
    """How a run looks at one moment. Progress is 0-100, `epoch` counts from 1, times are epoch seconds."""

    stage: str
    progress: float = 0.0
    epoch: int = 0
    total_epochs: int | None = None
    step: int = 0
    total_steps: int | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    heartbeat_at: float | None = None
    restart: int = 0
    resumptions: tuple[Resumption, ...] = ()
    eta_s: float | None = None
    outcome: Outcome | None = None
    stage_detail: str | None = None
    stage_progress: float | None = None
    changes_at: float | None = None
    """When the node should look again at the latest; None while the executor will call `wake` itself."""


@dataclass(frozen=True)
class Point:
    """Metric values of one step. `seq` rises by one per point over all restarts; values may be NaN or inf."""

    seq: int
    restart: int
    step: int
    epoch: float
    at: float
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class LogLine:
    seq: int
    at: float
    text: str


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Items after a cursor; `next` is the cursor for the following call."""

    items: list[Item]
    next: int
    has_more: bool


@dataclass(frozen=True)
class ProducedFile:
    """A file the run leaves behind; `path` is relative, with forward slashes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint a run saved; `files` are relative to it. `here`: it still lies on this machine."""

    path: str
    step: int
    epoch: float
    restart: int
    validation_loss: float | None
    at: float
    files: tuple[ProducedFile, ...]
    here: bool = True

    def produced(self) -> tuple[ProducedFile, ...]:
        """Its files with paths relative to the run."""
        return tuple(replace(file, path=f"{self.path}/{file.path}") for file in self.files)


@dataclass(frozen=True)
class InputPlaces:
    """Where a run wants its inputs written before it begins."""

    dataset: Path
    validation: Path
    checkpoint: Path


class CannotBegin(Exception):
    """The run cannot start on this machine; code and text, which says what to do, go to the job."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Executor(Protocol):
    """Runs jobs on assigned GPUs. Calls return at once; every method is safe after a restart of the node."""

    @property
    def simulated(self) -> bool:
        """True when no training takes place; every status then says so."""

    def subscribe(self, wake: Callable[[str], None]) -> None:
        """`wake(run_id)` is called whenever a run changed earlier than its last `changes_at` said."""

    @property
    def needs_provision(self) -> bool:
        """Whether the trainer's environment and the base model must be on this machine before a run."""

    def refusals(self, spec: JobSpec) -> list[FieldProblem]:
        """What of an order this executor cannot run, by field; empty when it can."""

    def knows(self, run_id: str) -> bool:
        """Whether the run began here and its traces are there; all that takes a run id needs it."""

    def places(self, run_id: str) -> InputPlaces | None:
        """Where the run wants its inputs; None when their counts are enough. Raises CannotBegin."""

    def begin(self, order: RunOrder, now: float) -> None:
        """Starts the run; a second call for the same run id changes nothing. Raises CannotBegin."""

    def take_up(self, run_id: str, now: float) -> None:
        """Goes on with a run that had begun when the node last ended; called once at the node's start."""

    def stop(self, run_id: str, now: float, *, grace_s: float, keep_adapter: bool) -> None:
        """Ends the run within `grace_s`, saving the adapter first if asked to. Safe to repeat."""

    def look(self, run_id: str, now: float) -> Sight:
        """The run as it is now, also long after its end."""

    def points(self, run_id: str, now: float, *, after: int, limit: int) -> Page[Point]:
        """Points with seq > after, in order of seq."""

    def lines(self, run_id: str, now: float, *, after: int, limit: int) -> Page[LogLine]:
        """Log lines with seq > after, in order of seq."""

    def has_checkpoint(self, run_id: str, now: float, *, step: int | None = None) -> bool:
        """Whether a new run could resume from this one: at that step, or anywhere."""

    def checkpoints(self, run_id: str) -> tuple[SavedCheckpoint, ...]:
        """The checkpoints the run saved so far, oldest first."""

    def drop_checkpoints(self, run_id: str, paths: Collection[str]) -> None:
        """Makes room: the run has a newer checkpoint to go on from, and that one lies in the bucket."""

    def files(self, run_id: str, now: float) -> tuple[ProducedFile, ...]:
        """The files of a run that is over; empty while it runs or when it left none."""

    def open(self, run_id: str, path: str) -> BinaryIO:
        """A file of `files` or of a checkpoint that is here, for reading; raises KeyError for any other."""

    def settle(self, run_id: str, *, delivered: bool) -> None:
        """The job has ended: what only training needed may go. `delivered`: the files are in the bucket."""

    def start(self) -> None:
        """The node's event loop runs now; called once, before anything else is begun or taken up."""

    async def close(self) -> None:
        """The node is stopping: whatever must not outlive it ends within a few seconds."""
