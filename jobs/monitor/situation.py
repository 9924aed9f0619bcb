"""What is going on with a job, in one sentence, and whom it waits for. Pure: page and API say the same by it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.monitor.clocks import Clocks, Seen, clocks
from jobs.states import TERMINAL, Stage, Status
from jobs.templatetags import figures

# A job that is due for longer than two rounds and this has been forgotten by whoever should have taken it.
FORGOTTEN_AFTER_S = 60.0


class WaitsFor(StrEnum):
    """Who has to do something next."""

    US = "us"
    CLUSTER = "cluster"
    QUEUE = "queue"
    TRAINING = "training"
    STORAGE = "storage"
    PERSON = "person"
    NOBODY = "nobody"


WORDS = {
    WaitsFor.US: "this installation",
    WaitsFor.CLUSTER: "the GPU cluster",
    WaitsFor.QUEUE: "the cluster's queue",
    WaitsFor.TRAINING: "the training",
    WaitsFor.STORAGE: "storage",
    WaitsFor.PERSON: "a person",
    WaitsFor.NOBODY: "nobody",
}
WAITING = {
    Stage.QUEUED_ON_GPU: (
        WaitsFor.QUEUE,
        "The job waits in the cluster's queue. It starts when enough GPUs are free; until then nothing is billed.",
    ),
    Stage.INITIALIZING: (WaitsFor.CLUSTER, "The GPU cluster has the job and gets ready for it."),
    Stage.PREPROCESSING: (WaitsFor.TRAINING, "The dataset is fetched, checked and cut into tokens."),
    Stage.MODEL_LOADING: (WaitsFor.TRAINING, "The base model is fetched and loaded."),
    Stage.SAVING: (WaitsFor.TRAINING, "What was learned is written to files."),
    Stage.UPLOADING: (WaitsFor.STORAGE, "The files are on their way into storage."),
    Stage.FINALIZATION: (WaitsFor.STORAGE, "Training has ended. Its files are brought into storage and checked."),
}


@dataclass(frozen=True)
class Known:
    """A job as its rows tell it. `failures` counts calls in a row that went wrong, `due_at` is when we look after it
    next, unless a worker is at it (`is_taken`). `run_has_ended`: its files are being brought home."""

    status: str
    stage: str
    stage_detail: str = ""
    waiting_for: str = ""
    step: int = 0
    attempt: int = 1
    failures: int = 0
    is_missing: bool = False
    key_is_refused: bool = False
    run_has_ended: bool = False
    keeps_adapter: bool = False
    due_at: datetime | None = None
    is_taken: bool = False
    poll_every_s: float = 30.0
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True)
class Situation:
    """`is_trouble`: something is not as it should be, though nothing may be lost by it."""

    sentence: str
    waits_for: WaitsFor
    clocks: Clocks
    is_trouble: bool = False


def situation(known: Known, *, now: datetime) -> Situation:
    """How it stands with the job."""
    times = clocks(known.seen, poll_every_s=known.poll_every_s)
    waits_for, sentence, *trouble = (
        _ended(known)
        if known.status in TERMINAL
        else _forgotten(known, now)
        or _cancelling(known)
        or _queued(known)
        or _handing_over(known)
        or _unanswered(known)
        or _under_way(known, times, now)
    )
    return Situation(sentence, waits_for, times, is_trouble=bool(trouble))


# What each of these says: (who, sentence), with a third entry where it is trouble; None where it is not so.
_Said = tuple[WaitsFor, str] | tuple[WaitsFor, str, bool]


def _ended(known: Known) -> _Said:
    if known.status == Status.COMPLETED:
        return WaitsFor.NOBODY, "Training is complete. Nothing more is billed."
    if known.status == Status.CANCELLED:
        return WaitsFor.NOBODY, "The job was stopped. The GPUs are free and nothing more is billed."
    stage = figures.words(known.stage)
    return WaitsFor.PERSON, f"The job failed at the stage “{stage}”. Somebody has to decide how it goes on.", True


def _forgotten(known: Known, now: datetime) -> _Said | None:
    patience = timedelta(seconds=2 * known.poll_every_s + FORGOTTEN_AFTER_S)
    if known.due_at is None or known.is_taken or now - known.due_at < patience:
        return None
    what = "handed to the GPU cluster" if known.status == Status.QUEUED else "looked after"
    sentence = (
        f"The job should have been {what} by now, and nobody here did it: the workers of this installation may be "
        "down. Its operator has to see to that."
    )
    return WaitsFor.US, _with_reason(sentence, known, before="What it waited for before:"), True


def _cancelling(known: Known) -> _Said | None:
    if known.status != Status.CANCELLING:
        return None
    if known.waiting_for:
        return WaitsFor.CLUSTER, known.waiting_for, True
    if known.run_has_ended or known.stage == Stage.UPLOADING:
        return WaitsFor.STORAGE, "The GPUs are free. What was learned is brought into storage."
    kept = "saves what was learned and " if known.keeps_adapter else ""
    return WaitsFor.CLUSTER, f"The job is being stopped. It is over once the cluster {kept}has freed the GPUs."


def _queued(known: Known) -> _Said | None:
    if known.status != Status.QUEUED:
        return None
    if known.key_is_refused:
        return (
            WaitsFor.PERSON,
            _with_reason("The GPU cluster refuses our key; the operator has to renew it.", known),
            True,
        )
    if known.stage == Stage.SUBMISSION_UNCONFIRMED:
        first = "Nobody knows yet whether the GPU cluster took the job. We go on asking; an operator can look there."
        return WaitsFor.PERSON, _with_reason(first, known), True
    if known.failures:
        return WaitsFor.CLUSTER, known.waiting_for or "The GPU cluster does not take the job now; we try again.", True
    if known.attempt > 1:
        return WaitsFor.US, known.waiting_for or f"Attempt {known.attempt} is about to be handed to the GPU cluster."
    return WaitsFor.US, known.waiting_for or "The job is about to be handed to the GPU cluster."


def _handing_over(known: Known) -> _Said | None:
    if not known.run_has_ended:
        return None
    if known.waiting_for:
        return WaitsFor.STORAGE, known.waiting_for, True
    return WAITING[Stage.FINALIZATION]


def _unanswered(known: Known) -> _Said | None:
    if known.key_is_refused and known.failures:
        return (
            WaitsFor.PERSON,
            _with_reason("The GPU cluster refuses our key; the operator has to renew it.", known),
            True,
        )
    if known.is_missing or known.failures:
        said = known.waiting_for or "The GPU cluster does not say how the job is; we ask again."
        return WaitsFor.CLUSTER, said, True
    return (WaitsFor.CLUSTER, known.waiting_for) if known.waiting_for else None


def _under_way(known: Known, times: Clocks, now: datetime) -> _Said:
    stage = known.stage
    trains = stage == Stage.TRAINING or (known.status == Status.RUNNING and stage in _BEFORE_TRAINING)
    if trains and not known.stage_detail:
        return _training(known, times, now)
    waits_for, sentence = WAITING.get(Stage(stage), (WaitsFor.TRAINING, "")) if stage in set(Stage) else (None, "")
    if waits_for is None:  # a stage of the cluster's own
        waits_for, sentence = WaitsFor.TRAINING, f"The run is busy with: {figures.words(stage)}."
    if known.stage_detail and waits_for is not WaitsFor.QUEUE:
        return waits_for, f"{known.stage_detail.rstrip('.')}."
    return waits_for, sentence


# What a cluster that tells no stages leaves standing when its run begins.
_BEFORE_TRAINING = {Stage.QUEUED, Stage.INITIALIZING, Stage.QUEUED_ON_GPU}


def _training(known: Known, times: Clocks, now: datetime) -> _Said:
    if times.heartbeat.is_late(now) and not times.cluster.is_late(now):
        return WaitsFor.TRAINING, "The run has given no sign of life for longer than usual.", True
    if times.step.is_late(now) and not times.cluster.is_late(now):
        return (
            WaitsFor.TRAINING,
            "No new step for longer than usual: the run may be evaluating, saving a checkpoint, or stuck.",
            True,
        )
    if not known.step:
        return WaitsFor.TRAINING, "The first step is on its way. It takes longest: the run compiles and warms up."
    return WaitsFor.TRAINING, "Training is under way. Nothing is needed from you."


def _with_reason(sentence: str, known: Known, *, before: str = "") -> str:
    return " ".join(filter(None, (sentence, before, known.waiting_for))) if known.waiting_for else sentence
