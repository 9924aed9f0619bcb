"""What a cluster reports, taken over into the rows. Called under a lease, with the job's row locked."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings

from jobs import lifecycle, metrics
from jobs.clusters.base import ENDED_STATES, Capabilities, Polled, Status
from jobs.models import JobAttempt, TrainingJob
from jobs.reconcile import billing, finish, watch
from jobs.reconcile.backoff import next_slot
from jobs.states import Stage
from jobs.states import Status as JobStatus

logger = logging.getLogger(__name__)

MAX_COUNT = 2**31 - 1


def report(job: TrainingJob, attempt: JobAttempt, polled: Polled, capabilities: Capabilities, *, now: datetime) -> None:
    """Take over points, progress, cost and state; end the job where the cluster says so."""
    status = polled.status
    metrics.store(job, attempt=attempt.number, points=polled.points, now=now)
    for point in sorted(polled.points, key=lambda point: (point.restart, point.step)):
        job.current_metrics = metrics.merge(job.current_metrics, point.values)
        _warn_nonfinite(job, point.nonfinite, point.step)
    watch.look_at_points(job, attempt, polled, capabilities)
    attempt.metrics_cursor = max(attempt.metrics_cursor, polled.next)
    if polled.has_more or job.is_terminal or job.cluster_result:
        job.save()  # its state is taken over with the last page, so that no point of an ended job is lost
        attempt.save()
        return
    attempt.last_seen_at = now
    job.poll_failures = 0
    job.missing_since = None
    job.waiting_for = ""
    job.simulated = job.simulated or status.simulated
    job.next_poll_at = next_slot(job.next_poll_at, now, settings.POLL_INTERVAL_SECONDS)

    if _is_stale(job, attempt, status):
        lifecycle.warn(job, "state_went_back", "The cluster reported an older state than before; it was ignored.")
    else:
        _take_over(job, attempt, status, now)
        if status.state in ENDED_STATES and not _gpus_still_held(status, capabilities):
            finish.ended(job, attempt, status, capabilities, now=now)
        else:
            _follow(job, attempt, status, now)
            if status.state == "cancelled":
                job.waiting_for = "The GPU cluster stopped the job but has not freed its GPUs yet."
            watch.look(job, attempt, status, capabilities, now=now)
    job.save()
    attempt.save()
    logger.info("Updated job %s: %s - %.1f%%", job.short_id, job.status, job.progress)


def _is_stale(job: TrainingJob, attempt: JobAttempt, status: Status) -> bool:
    """An answer older than what we know: by the cluster's own sequence, else running -> queued."""
    if status.restart > attempt.restart:
        return False
    if status.state_seq is not None:
        return status.state_seq < attempt.state_seq
    return status.state == "queued" and job.status == JobStatus.RUNNING


def _gpus_still_held(status: Status, capabilities: Capabilities) -> bool:
    """`cancelled` counts once the GPUs are free, which a cluster with async_cancel says by `released_at`."""
    return status.state == "cancelled" and capabilities.has("async_cancel") and status.released_at is None


def _take_over(job: TrainingJob, attempt: JobAttempt, status: Status, now: datetime) -> None:
    resumed = status.restart > attempt.restart
    attempt.restart = max(attempt.restart, status.restart)
    attempt.state_seq = max(attempt.state_seq, status.state_seq or 0)
    attempt.started_at = status.started_at or attempt.started_at
    # Free GPUs cost nothing more, however long the cluster is busy with the run's files.
    attempt.ended_at = status.released_at or status.ended_at or attempt.ended_at
    attempt.heartbeat_at = status.heartbeat_at or attempt.heartbeat_at
    attempt.checkpoints_reported = max(attempt.checkpoints_reported, min(status.checkpoints, MAX_COUNT))
    if status.progress is not None:
        progress = min(max(status.progress, 0.0), 100.0)
        job.progress = progress if resumed else max(job.progress, progress)
    for name in ("current_epoch", "current_step"):
        if (value := getattr(status, name)) is not None and 0 <= value <= MAX_COUNT:
            setattr(job, name, value if resumed else max(getattr(job, name), value))
    for name in ("total_epochs", "total_steps"):
        if (value := getattr(status, name)) is not None and 0 <= value <= MAX_COUNT:
            setattr(job, name, value)
    job.current_metrics = metrics.merge(job.current_metrics, status.metrics)
    _warn_nonfinite(job, status.nonfinite, status.current_step)
    if resumed:
        lifecycle.record(
            job,
            "stage",
            f"The cluster resumed the run (restart {status.restart}).",
            actor=lifecycle.CLUSTER,
            detail={"restart": status.restart},
        )


def _follow(job: TrainingJob, attempt: JobAttempt, status: Status, now: datetime) -> None:
    """A job that has not ended: status, stage, cost so far, ETA."""
    if status.state == "running":
        if attempt.first_seen_running_at is None:
            attempt.first_seen_running_at = now
        if job.status == JobStatus.INITIALIZING:
            lifecycle.transition(job, JobStatus.RUNNING, actor=lifecycle.CLUSTER, message="Training started.")
    elif status.state not in {"queued", "cancelling", *ENDED_STATES}:
        lifecycle.warn(job, "unknown_state", f"The cluster reports a state that we do not know: {status.state[:100]}.")
    _set_stage(job, status.stage or (Stage.QUEUED_ON_GPU if status.state == "queued" else None))
    job.stage_detail, job.stage_progress = status.stage_detail or "", status.stage_progress
    billing.update(job, attempt, status, seen_until=now if attempt.first_seen_running_at else None)
    job.estimated_completion_at = _completion(job, attempt, status, now)


def _set_stage(job: TrainingJob, stage: str | None) -> None:
    stage = (stage or job.current_stage)[:64]
    if stage != job.current_stage:
        job.current_stage = stage
        lifecycle.record(
            job, "stage", f"Stage: {stage.replace('_', ' ')}.", actor=lifecycle.CLUSTER, detail={"stage": stage}
        )


def _completion(job: TrainingJob, attempt: JobAttempt, status: Status, now: datetime) -> datetime | None:
    """When it will be done: the cluster's word, else our own clock stretched by the progress made."""
    if status.eta_s is not None and 0 <= status.eta_s <= timedelta(days=365).total_seconds():
        return now + timedelta(seconds=status.eta_s)
    if attempt.first_seen_running_at is None or job.progress < 1.0:
        return None
    elapsed = now - attempt.first_seen_running_at
    return now + elapsed * ((100.0 - job.progress) / job.progress)


def _warn_nonfinite(job: TrainingJob, nonfinite: Mapping[str, str], step: int | None) -> None:
    where = f" at step {step}" if step is not None else ""
    for name, literal in nonfinite.items():
        lifecycle.warn(
            job, f"nonfinite_{name}"[:64], f"{name} was {literal}{where}; such values are left out of the curve."
        )
