"""Why a job failed: a closed list of codes, each with who has to act, what to do, and its retry rule. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Who has to act on a failure."""

    DATA = "data"
    SETTINGS = "settings"
    CLUSTER = "cluster"
    US = "us"


class Retry(StrEnum):
    """Whether another try can help."""

    NEVER = "never"  # the same would end in the same way: something has to be changed first
    BY_HAND = "by_hand"  # it may go well once somebody has seen to it
    AUTOMATIC = "automatic"  # it is tried again by itself, within limits (see jobs.reconcile.resubmission)


@dataclass(frozen=True)
class Reason:
    """Who has to act, what to do, and whether it is tried again."""

    side: Side
    advice: str
    retry: Retry = Retry.BY_HAND


class ErrorCode(StrEnum):
    """Why a job failed: a closed list (see REASONS)."""

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
    BUDGET_REACHED = "budget_reached"
    ZERO_LOSS = "zero_loss"
    DIVERGED = "diverged"
    STALLED = "stalled"


REASONS: dict[ErrorCode, Reason] = {
    ErrorCode.DATASET_CHANGED: Reason(
        Side.DATA,
        "The dataset's file changed after it was validated. Import or upload it again, then start a new job.",
        Retry.NEVER,
    ),
    ErrorCode.DATASET_MISSING: Reason(
        Side.DATA,
        "The dataset's file is no longer in storage. Upload or import it again, then start a new job.",
        Retry.NEVER,
    ),
    ErrorCode.REJECTED: Reason(
        Side.SETTINGS,
        "The cluster refused the job as it is configured. Change what its answer names, then retry.",
        Retry.NEVER,
    ),
    ErrorCode.SUBMISSION_UNCONFIRMED: Reason(
        Side.CLUSTER,
        "Nobody knows whether the cluster took the job. Look for the job's id at the cluster and stop it there "
        "if it runs; then retry.",
    ),
    ErrorCode.LOST: Reason(
        Side.CLUSTER,
        "The cluster no longer knows this job. It is billed to its last sign of life. Ask the cluster's operator "
        "whether it still runs there; then retry it.",
    ),
    ErrorCode.TRAINING_FAILED: Reason(
        Side.CLUSTER,
        "The training program failed. Read the logs; then retry.",
    ),
    ErrorCode.OUT_OF_MEMORY: Reason(
        Side.SETTINGS,
        "The GPU ran out of memory. Lower the batch size, max_length or the rank, or choose a larger GPU.",
        Retry.NEVER,
    ),
    ErrorCode.NAN_LOSS: Reason(
        Side.SETTINGS,
        "The loss became NaN. Resume from the last good checkpoint with a lower learning rate, or start anew with "
        "one; check the data for broken examples if it happens again.",
        Retry.NEVER,
    ),
    ErrorCode.MAX_RUNTIME: Reason(
        Side.SETTINGS,
        "The job reached its time limit. Use fewer epochs or more GPUs, or ask the operator for a longer limit.",
        Retry.NEVER,
    ),
    ErrorCode.NODE_LOST: Reason(
        Side.CLUSTER,
        "The machine that trained was lost. Retry the job, from its last checkpoint where it has one.",
        Retry.AUTOMATIC,
    ),
    ErrorCode.PREEMPTED: Reason(
        Side.CLUSTER,
        "The cluster took the GPUs away for other work. Retry the job, from its last checkpoint where it has one.",
        Retry.AUTOMATIC,
    ),
    ErrorCode.DATASET_UNREACHABLE: Reason(
        Side.US,
        "The cluster could not download the dataset. Check that S3_PUBLIC_ENDPOINT_URL is an address that the "
        "GPU machines reach; then retry.",
    ),
    ErrorCode.DATASET_HASH_MISMATCH: Reason(
        Side.DATA,
        "The file that the cluster downloaded is not the one that was validated. Validate it again, then retry.",
    ),
    ErrorCode.DATASET_INVALID: Reason(
        Side.DATA,
        "The training program could not use the dataset. Read its answer, correct the examples it names, upload the "
        "file again, then start a new job.",
        Retry.NEVER,
    ),
    ErrorCode.DATASET_EMPTY: Reason(
        Side.DATA,
        "No example was left to train on. Raise max_length, or check that the assistant's turns are in the file.",
        Retry.NEVER,
    ),
    ErrorCode.CHECKPOINT_UNREACHABLE: Reason(
        Side.US,
        "The cluster could not download the checkpoint. Check that S3_PUBLIC_ENDPOINT_URL is an address that the "
        "GPU machines reach; then retry.",
    ),
    ErrorCode.CHECKPOINT_HASH_MISMATCH: Reason(
        Side.US,
        "The checkpoint's files are no longer the ones that were saved. Resume from another checkpoint, or retry the "
        "first job from its start.",
    ),
    ErrorCode.CHECKPOINT_GONE: Reason(
        Side.CLUSTER,
        "The cluster no longer has the checkpoint. Resume from another one, or retry the first job from its start.",
    ),
    ErrorCode.SETTINGS_INVALID: Reason(
        Side.SETTINGS,
        "The training program refused a setting. Read its answer, change that setting, then start a new job.",
        Retry.NEVER,
    ),
    ErrorCode.BASE_MODEL_UNAVAILABLE: Reason(
        Side.SETTINGS,
        "The cluster could not get the base model. Choose another one, or ask the operator to check its source in "
        "the admin and whether the GPU machines reach it; then retry.",
    ),
    ErrorCode.ENVIRONMENT_FAILED: Reason(
        Side.CLUSTER,
        "The GPU machine could not prepare the training environment. The operator finds the reason in the node's "
        "log and may repair it; then retry.",
    ),
    ErrorCode.DISK_FULL: Reason(
        Side.CLUSTER,
        "The disk of the GPU machine is full. The operator has to free space there; then resume from the last "
        "checkpoint, or retry.",
    ),
    ErrorCode.GPU_UNAVAILABLE: Reason(
        Side.CLUSTER,
        "The GPUs could not be used. The operator has to look at the machine; then retry.",
    ),
    ErrorCode.STOPPED_AT_CLUSTER: Reason(
        Side.CLUSTER,
        "The job was stopped at the cluster, not from here. Ask the cluster's operator; then retry.",
    ),
    ErrorCode.ARTIFACT_UNAVAILABLE: Reason(
        Side.CLUSTER,
        "Training ended but its files could not be brought into storage within a day. Look for them at the cluster, "
        "or resume from the last checkpoint.",
    ),
    ErrorCode.BUDGET_REACHED: Reason(
        Side.SETTINGS,
        "Resume the job from its last checkpoint with a higher budget, or train fewer epochs.",
        Retry.NEVER,
    ),
    ErrorCode.ZERO_LOSS: Reason(
        Side.DATA,
        "A loss of exactly zero teaches nothing. Check that the file has answers to learn from and that max_length "
        "does not cut them off; if the model knows the data by heart, use fewer epochs.",
        Retry.NEVER,
    ),
    ErrorCode.DIVERGED: Reason(
        Side.SETTINGS,
        "Training went from better to worse. Resume from the best checkpoint, or start anew, with a lower learning "
        "rate or a longer warm-up.",
        Retry.NEVER,
    ),
    ErrorCode.STALLED: Reason(
        Side.CLUSTER,
        "The run did not move any more. Read the logs; resume from the last checkpoint, or ask the cluster's operator.",
    ),
}


def error_code(reported: str | None) -> ErrorCode:
    """The code for what a cluster reported; anything unknown is `training_failed`."""
    try:
        return ErrorCode(reported or "")
    except ValueError:
        return ErrorCode.TRAINING_FAILED
