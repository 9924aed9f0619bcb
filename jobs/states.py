"""The life cycle of a training job: statuses, stages and legal transitions. Pure.

    queued -> initializing -> running -> completed | failed | cancelled
       any of the three -> cancelling -> cancelled | completed | failed
       initializing | running -> queued: the machine was lost, the next attempt is made by itself

`cancelling` lasts from an accepted cancel to the cluster's word that the GPUs are free. What ended a job
is a reason, not a state of its own.
"""

from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"
    INITIALIZING = "initializing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """Stages we set or know; an unknown one from a cluster is kept as it is."""

    QUEUED = "queued"
    SUBMISSION_UNCONFIRMED = "submission_unconfirmed"
    INITIALIZING = "initializing"
    QUEUED_ON_GPU = "queued_on_gpu"
    PREPROCESSING = "preprocessing"
    MODEL_LOADING = "model_loading"
    TRAINING = "training"
    SAVING = "saving"
    UPLOADING = "uploading"
    FINALIZATION = "finalization"
    COMPLETED = "completed"


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
ACTIVE = frozenset(Status) - TERMINAL
CANCELLABLE = frozenset({Status.QUEUED, Status.INITIALIZING, Status.RUNNING})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.INITIALIZING, Status.RUNNING, Status.CANCELLING, Status.CANCELLED, Status.FAILED}),
    Status.INITIALIZING: frozenset(
        {Status.QUEUED, Status.RUNNING, Status.CANCELLING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}
    ),
    Status.RUNNING: frozenset({Status.QUEUED, Status.CANCELLING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.COMPLETED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def is_legal(source: str, target: str) -> bool:
    """Whether a job may go from `source` to `target`."""
    return Status(target) in TRANSITIONS[Status(source)]
