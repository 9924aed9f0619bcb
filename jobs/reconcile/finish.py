"""The end of a job: the cluster's word, our own verdict, or files that never came home."""

import logging
from datetime import datetime
from typing import Any

from jobs import deliveries, lifecycle, provenance
from jobs.clusters.base import Capabilities
from jobs.clusters.base import Status as Report
from jobs.models import JobAttempt, JobLog, ModelArtifact, TrainingJob
from jobs.models.run import ArtifactStatus
from jobs.reasons import REASONS, ErrorCode, error_code
from jobs.reconcile import billing, resubmission
from jobs.states import Stage, Status

logger = logging.getLogger(__name__)


def ended(job: TrainingJob, attempt: JobAttempt, report: Report, capabilities: Capabilities, *, now: datetime) -> None:
    """The cluster says that its job ended. Its word wins, also over a cancel of ours. The caller saves both rows."""
    if attempt.first_seen_running_at is None and report.state == "completed":
        attempt.first_seen_running_at = now  # it ran and ended between two polls
    seen_until = job.cluster_ended_at or now  # it may have waited since for its last points
    billing.update(job, attempt, report, seen_until=seen_until if attempt.first_seen_running_at else None)
    if capabilities.has("logs_cursor"):
        JobLog.objects.get_or_create(job=job, defaults={"owner_id": job.owner_id})  # the sweep brings it into storage
    if report.state == "completed":
        _completed(job, attempt, report, capabilities, now)
    elif report.state == "failed":
        code, said = error_code(report.error_code), report.error_message or ""
        if code is ErrorCode.MAX_RUNTIME and attempt.request.get("max_runtime_by") == "budget":
            code, said = (
                ErrorCode.BUDGET_REACHED,
                f"The run used the time that its budget of ${job.max_cost} pays for.\n{said}",
            )
        if resubmission.is_due(job, code, capabilities):
            resubmission.start_again(job, attempt, code, detail=said, capabilities=capabilities, now=now)
        else:
            fail(job, attempt, code, detail=said, now=now, actor=lifecycle.CLUSTER)
    elif job.keep_adapter and job.cancel_requested_at and _hands_over(report, capabilities):
        _close(job, attempt, "cancelled", now)
        _await_files(job, "cancelled", "The GPUs are free; what was learned so far is being brought into storage.", now)
    else:
        _close(job, attempt, "cancelled", now)
        cancelled(job)


def fail(
    job: TrainingJob,
    attempt: JobAttempt | None,
    code: ErrorCode,
    *,
    now: datetime,
    detail: str = "",
    actor: str = lifecycle.SYSTEM,
) -> None:
    """Fail a job for good: what is known is billed, and the user is told what to do."""
    if attempt is not None:
        _close(job, attempt, code.value, now)
    else:
        lifecycle.settle_cost(job)
    first_line = detail.strip().splitlines()[0][:300] if detail.strip() else ""
    message = first_line or REASONS[code].advice
    lifecycle.transition(
        job,
        Status.FAILED,
        actor=actor,
        message=f"Training failed ({code.value}): {message}",
        detail={"code": code.value},
        error_code=code.value,
        error_message=message[:500],
        error_detail=detail[:20_000],
        final_cost=job.final_cost,
        current_cost=job.current_cost,
    )
    logger.warning("Job %s failed: %s", job.short_id, code.value)


def never_started(job: TrainingJob, attempt: JobAttempt, *, now: datetime) -> None:
    """The cluster provably never took the job that is being cancelled. The caller holds the row."""
    _close(job, attempt, "never started", now)
    lifecycle.transition(
        job,
        Status.CANCELLED,
        actor=lifecycle.SYSTEM,
        message="Training was cancelled before the cluster took the job.",
        final_cost=job.final_cost,
    )
    logger.info("Job %s cancelled", job.short_id)


def is_handing_over(job: TrainingJob, attempt: JobAttempt) -> bool:
    """Whether a job that is being cancelled is off its GPUs, and its cluster busy with what is to be kept."""
    has_stopped = job.status == Status.CANCELLING and attempt.ended_at is not None
    return has_stopped and job.current_stage == Stage.UPLOADING


def handed_nothing_over(job: TrainingJob, attempt: JobAttempt, *, now: datetime) -> None:
    """The GPUs are free, and what was to be kept will not come any more. The caller holds the row."""
    _close(job, attempt, "cancelled", now)
    cancelled(job, note="its GPUs are free, but the partial adapter never came")


def complete(job: TrainingJob, *, message: str) -> None:
    """Training is done and what it produced is home. The caller saves the row."""
    lifecycle.transition(job, Status.COMPLETED, actor=lifecycle.SYSTEM, message=message)
    logger.info("Job %s completed", job.short_id)


def cancelled(job: TrainingJob, *, note: str = "its GPUs are free") -> None:
    """The job's GPUs are free, and nothing more is to be brought home. The caller saves the row."""
    asked = job.cancel_requested_at is not None
    why = f" {job.stop_message}" if job.stop_message else ""
    changes: dict[str, Any] = (
        {}
        if asked
        else {
            "error_code": ErrorCode.STOPPED_AT_CLUSTER.value,
            "error_message": REASONS[ErrorCode.STOPPED_AT_CLUSTER].advice,
        }
    )
    lifecycle.transition(
        job,
        Status.CANCELLED,
        actor=lifecycle.CLUSTER,
        message=f"Training was cancelled; {note}.{why}"[:500] if asked else "Training ended as cancelled.",
        final_cost=job.final_cost,
        current_cost=job.current_cost,
        **changes,
    )
    logger.info("Job %s cancelled", job.short_id)


def _completed(
    job: TrainingJob, attempt: JobAttempt, report: Report, capabilities: Capabilities, now: datetime
) -> None:
    _close(job, attempt, "completed", now)
    job.progress = 100.0
    if not _hands_over(report, capabilities):
        complete(job, message="Training completed. This cluster hands no files over.")
        return
    if job.status == Status.INITIALIZING:
        lifecycle.transition(job, Status.RUNNING, actor=lifecycle.CLUSTER, message="Training ran.")
    _await_files(job, "completed", "Training ended; its files are being brought into storage.", now)


def _hands_over(report: Report, capabilities: Capabilities) -> bool:
    """Whether there may be files to bring home."""
    return capabilities.has("artifacts") or bool(report.model_files)


def _await_files(job: TrainingJob, result: str, message: str, now: datetime) -> None:
    """Into finalization: the run is over, its files are not home yet."""
    job.cluster_result = result
    job.cluster_ended_at = now
    job.current_stage = Stage.FINALIZATION.value
    job.stage_detail, job.stage_progress = "", None
    job.estimated_completion_at = None
    job.next_poll_at = now
    begin_artifact(job)
    lifecycle.record(job, "stage", message, detail={"stage": Stage.FINALIZATION.value})


def begin_artifact(job: TrainingJob) -> None:
    """The row of what is being brought home, and where to."""
    job.artifact, _ = ModelArtifact.objects.get_or_create(
        job=job,
        defaults={
            "owner_id": job.owner_id,
            "dataset_id": job.dataset_id,
            "name": job.name,
            "version": ModelArtifact.objects.filter(owner_id=job.owner_id, name=job.name).count() + 1,
            "status": ArtifactStatus.COLLECTING,
            "is_partial": job.cluster_result != "completed",
            "storage_prefix": deliveries.prefix(job, job.attempt),
            "configuration": provenance.configuration(job),
        },
    )


def _close(job: TrainingJob, attempt: JobAttempt, reason: str, now: datetime) -> None:
    attempt.end_reason = attempt.end_reason or reason
    billing.settle(job, attempt, now=now)
