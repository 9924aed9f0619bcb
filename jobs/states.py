"""The life cycle of a training job: statuses, stages, legal transitions, and why a job ended. Pure.

    queued -> initializing -> running -> completed | failed | cancelled
       any of the three -> cancelling -> cancelled | completed | failed

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
        {Status.RUNNING, Status.CANCELLING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}
    ),
    Status.RUNNING: frozenset({Status.CANCELLING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.COMPLETED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def is_legal(source: str, target: str) -> bool:
    """Whether a job may go from `source` to `target`."""
    return Status(target) in TRANSITIONS[Status(source)]


class Side(StrEnum):
    """Who has to act on a failure."""

    DATA = "data"
    SETTINGS = "settings"
    CLUSTER = "cluster"
    US = "us"


class ErrorCode(StrEnum):
    """Why a job failed: a closed list, each with its side and what to do (see ADVICE)."""

    DATASET_CHANGED = "dataset_changed"
    DATASET_MISSING = "dataset_missing"
    REJECTED = "rejected"
    SUBMISSION_UNCONFIRMED = "submission_unconfirmed"
    LOST = "lost"
    TRAINING_FAILED = "training_failed"
    OUT_OF_MEMORY = "out_of_memory"
    NAN_LOSS = "nan_loss"
    MAX_RUNTIME = "max_runtime"
    NODE_LOST = "node_lost"
    PREEMPTED = "preempted"
    DATASET_UNREACHABLE = "dataset_unreachable"
    DATASET_HASH_MISMATCH = "dataset_hash_mismatch"
    DATASET_INVALID = "dataset_invalid"
    DATASET_EMPTY = "dataset_empty"
    CHECKPOINT_UNREACHABLE = "checkpoint_unreachable"
    CHECKPOINT_HASH_MISMATCH = "checkpoint_hash_mismatch"
    CHECKPOINT_GONE = "checkpoint_gone"
    SETTINGS_INVALID = "settings_invalid"
    BASE_MODEL_UNAVAILABLE = "base_model_unavailable"
    ENVIRONMENT_FAILED = "environment_failed"
    DISK_FULL = "disk_full"
    GPU_UNAVAILABLE = "gpu_unavailable"
    STOPPED_AT_CLUSTER = "stopped_at_cluster"
    ARTIFACT_UNAVAILABLE = "artifact_unavailable"


ADVICE: dict[ErrorCode, tuple[Side, str]] = {
    ErrorCode.DATASET_CHANGED: (
        Side.DATA,
        "The dataset's file changed after it was validated. Import or upload it again, then start a new job.",
    ),
    ErrorCode.DATASET_MISSING: (
        Side.DATA,
        "The dataset's file is no longer in storage. Upload or import it again, then start a new job.",
    ),
    ErrorCode.REJECTED: (
        Side.SETTINGS,
        "The cluster refused the job as it is configured. Read its answer below, change the settings and retry.",
    ),
    ErrorCode.SUBMISSION_UNCONFIRMED: (
        Side.CLUSTER,
        "The cluster never said whether it took the job. Look for the job's id at the cluster and stop it there "
        "if it runs; then retry.",
    ),
    ErrorCode.LOST: (
        Side.CLUSTER,
        "The cluster no longer knows this job. It is billed to its last sign of life. Retry it.",
    ),
    ErrorCode.TRAINING_FAILED: (Side.CLUSTER, "The training program failed. Read the logs; then retry."),
    ErrorCode.OUT_OF_MEMORY: (
        Side.SETTINGS,
        "The GPU ran out of memory. Lower the batch size or the rank, or choose a larger GPU.",
    ),
    ErrorCode.NAN_LOSS: (
        Side.SETTINGS,
        "The loss became NaN. Resume from the last good checkpoint with a lower learning rate, or start anew with "
        "one; check the data for broken examples if it happens again.",
    ),
    ErrorCode.MAX_RUNTIME: (
        Side.SETTINGS,
        "The job reached its time limit. Use fewer epochs or more GPUs, or ask the operator for a longer limit.",
    ),
    ErrorCode.NODE_LOST: (Side.CLUSTER, "The machine that trained was lost. Retry the job."),
    ErrorCode.PREEMPTED: (Side.CLUSTER, "The cluster took the GPUs away for other work. Retry the job."),
    ErrorCode.DATASET_UNREACHABLE: (
        Side.US,
        "The cluster could not download the dataset. Check that S3_PUBLIC_ENDPOINT_URL is an address that the "
        "GPU machines reach; then retry.",
    ),
    ErrorCode.DATASET_HASH_MISMATCH: (
        Side.DATA,
        "The file that the cluster downloaded is not the one that was validated. Validate it again, then retry.",
    ),
    ErrorCode.DATASET_INVALID: (
        Side.DATA,
        "The training program could not use the dataset. Read its answer, correct the examples it names, upload the "
        "file again, then start a new job.",
    ),
    ErrorCode.DATASET_EMPTY: (
        Side.DATA,
        "No example was left to train on. Raise max_length, or check that the assistant's turns are in the file.",
    ),
    ErrorCode.CHECKPOINT_UNREACHABLE: (
        Side.US,
        "The cluster could not download the checkpoint. Check that S3_PUBLIC_ENDPOINT_URL is an address that the "
        "GPU machines reach; then retry.",
    ),
    ErrorCode.CHECKPOINT_HASH_MISMATCH: (
        Side.US,
        "The checkpoint's files are no longer the ones that were saved. Resume from another checkpoint, or retry the "
        "first job from its start.",
    ),
    ErrorCode.CHECKPOINT_GONE: (
        Side.CLUSTER,
        "The cluster no longer has the checkpoint. Resume from another one, or retry the first job from its start.",
    ),
    ErrorCode.SETTINGS_INVALID: (
        Side.SETTINGS,
        "The training program refused a setting. Read its answer, change that setting, then start a new job.",
    ),
    ErrorCode.BASE_MODEL_UNAVAILABLE: (
        Side.SETTINGS,
        "The cluster could not get the base model. Choose another one, or ask the operator to check its source in "
        "the admin and whether the GPU machines reach it; then retry.",
    ),
    ErrorCode.ENVIRONMENT_FAILED: (
        Side.CLUSTER,
        "The GPU machine could not prepare the training environment. The operator finds the reason in the node's "
        "log and may repair it; then retry.",
    ),
    ErrorCode.DISK_FULL: (
        Side.CLUSTER,
        "The disk of the GPU machine is full. The operator has to free space there; then resume from the last "
        "checkpoint, or retry.",
    ),
    ErrorCode.GPU_UNAVAILABLE: (
        Side.CLUSTER,
        "The GPUs could not be used. The operator has to look at the machine; then retry.",
    ),
    ErrorCode.STOPPED_AT_CLUSTER: (
        Side.CLUSTER,
        "The job was stopped at the cluster, not from here. Ask the cluster's operator; then retry.",
    ),
    ErrorCode.ARTIFACT_UNAVAILABLE: (
        Side.CLUSTER,
        "Training ended but its files could not be brought into storage within a day. Look for them at the cluster.",
    ),
}


def error_code(reported: str | None) -> ErrorCode:
    """The code for what a cluster reported; anything unknown is `training_failed`."""
    try:
        return ErrorCode(reported or "")
    except ValueError:
        return ErrorCode.TRAINING_FAILED
