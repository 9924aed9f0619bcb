"""What a cluster reports, taken over into the rows. Called under a lease, with the job's row locked."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from jobs import lifecycle, metrics
from jobs.clusters.base import ENDED_STATES, Capabilities, Polled, Status
from jobs.models import JobAttempt, TrainingJob
from jobs.models.run import METRIC_NAMES
from jobs.reconcile import billing, finish, watch
from jobs.reconcile.backoff import next_slot
from jobs.states import Stage
from jobs.states import Status as JobStatus

logger = logging.getLogger(__name__)

MAX_COUNT = 2**31 - 1
# What people are told of where it is no number. A cluster may name a thousand things more.
NUMBERS = frozenset({*METRIC_NAMES, "progress", "eta_seconds"})
# Stages in which no run is under way.
NOT_RUNNING = frozenset({Stage.QUEUED, Stage.SUBMISSION_UNCONFIRMED, Stage.INITIALIZING, Stage.QUEUED_ON_GPU})
# A cluster that reports nothing but older news for so long counts its states anew.
OLDER_NEWS_FOR = timedelta(minutes=3)
# How long the end of a run waits for points that its cluster says it has and does not hand over.
LAST_POINTS_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Report:
    """What a cluster says of a job's present attempt."""

    job: TrainingJob
    attempt: JobAttempt
    polled: Polled


def reports(some: Sequence[Report], capabilities: Capabilities, *, now: datetime) -> None:
    """Take over points, progress, cost and state of jobs; end those of which the cluster says so. The caller saves
    both rows of each.

    The end waits for the last page of points, so that no point of an ended job is lost; nothing else does.
    """
    pages = [metrics.Page(each.job, each.attempt.number, each.polled.points) for each in some]
    for each, new_points in zip(some, metrics.store(pages, now=now), strict=True):
        _apply(each, capabilities, new_points=new_points, now=now)


def _apply(report: Report, capabilities: Capabilities, *, new_points: int, now: datetime) -> None:
    job, attempt, polled = report.job, report.attempt, report.polled
    status = polled.status
    for point in sorted(polled.points, key=lambda point: (point.restart, point.step)):
        job.current_metrics = metrics.merge(job.current_metrics, point.values)
        _warn_nonfinite(job, point.nonfinite, point.step)
    watch.look_at_points(job, attempt, polled, capabilities)
    attempt.metrics_cursor = max(attempt.metrics_cursor, polled.next)
    if job.is_terminal or job.cluster_result:
        return
    job.poll_failures = 0
    job.missing_since = None
    job.waiting_for = ""
    job.simulated = job.simulated or status.simulated
    if not (polled.has_more and new_points):  # where there are more, the next page is due at once
        job.next_poll_at = next_slot(job.next_poll_at, now, settings.POLL_INTERVAL_SECONDS)
    _take_state_over(job, attempt, polled, capabilities, has_new_points=new_points > 0, now=now)
    logger.info("Updated job %s: %s - %.1f%%", job.short_id, job.status, job.progress)


def _take_state_over(
    job: TrainingJob,
    attempt: JobAttempt,
    polled: Polled,
    capabilities: Capabilities,
    *,
    has_new_points: bool,
    now: datetime,
) -> None:
    status = polled.status
    if _is_stale(job, attempt, status, now):
        lifecycle.warn(job, "state_went_back", "The cluster reported an older state than before; it was ignored.")
        job.waiting_for = "The GPU cluster reports an older state than before. It is believed if that goes on."
        return
    has_ended = status.state in ENDED_STATES and not _gpus_still_held(status, capabilities)
    if has_ended and polled.has_more and _waits_for_points(job, has_new_points=has_new_points, now=now):
        return
    attempt.last_seen_at = now
    _take_over(job, attempt, status, now)
    if has_ended:
        if polled.has_more:
            lifecycle.warn(job, "points_missing", "The cluster did not hand over the last points of the curve.")
        finish.ended(job, attempt, status, capabilities, now=now)
        return
    job.cluster_ended_at = None
    _follow(job, attempt, status, now)
    if status.state == "cancelled":
        job.waiting_for = "The GPU cluster stopped the job but has not freed its GPUs yet."
    watch.look(job, attempt, status, capabilities, now=now)


def _is_stale(job: TrainingJob, attempt: JobAttempt, status: Status, now: datetime) -> bool:
    """An answer older than what we know: by the cluster's own sequence, else running -> queued."""
    if status.restart > attempt.restart:
        return False
    if status.state_seq is not None:
        heard_at = attempt.last_seen_at or attempt.sent_at
        patience = max(OLDER_NEWS_FOR, 4 * timedelta(seconds=settings.POLL_INTERVAL_SECONDS))
        return status.state_seq < attempt.state_seq and now < heard_at + patience
    return status.state == "queued" and job.status == JobStatus.RUNNING


def _waits_for_points(job: TrainingJob, *, has_new_points: bool, now: datetime) -> bool:
    """Whether the end of a run whose cluster has more points is still to wait for them; notes since when it does."""
    job.cluster_ended_at = job.cluster_ended_at or now
    job.waiting_for = "The run has ended; the GPU cluster still has to hand over the rest of its points."
    is_over = not has_new_points and job.cluster_ended_at + LAST_POINTS_FOR <= now
    if is_over:
        job.waiting_for = ""
    return not is_over


def _gpus_still_held(status: Status, capabilities: Capabilities) -> bool:
    """`cancelled` counts once the GPUs are free, which a cluster with async_cancel says by `released_at`."""
    return status.state == "cancelled" and capabilities.has("async_cancel") and status.released_at is None


def _take_over(job: TrainingJob, attempt: JobAttempt, status: Status, now: datetime) -> None:
    resumed = status.restart > attempt.restart
    attempt.restart = max(attempt.restart, status.restart)
    attempt.state_seq = attempt.state_seq if status.state_seq is None else status.state_seq
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
    _set_stage(job, status.stage or _stage_by_state(job, status))
    job.stage_detail, job.stage_progress = status.stage_detail or "", status.stage_progress
    billing.update(job, attempt, status, seen_until=now if attempt.first_seen_running_at else None)
    job.estimated_completion_at = _completion(job, attempt, status, now)


def _stage_by_state(job: TrainingJob, status: Status) -> Stage | None:
    """What a cluster means that names no stage; None: the same as before."""
    if status.state == "queued":
        return Stage.QUEUED_ON_GPU
    return Stage.TRAINING if status.state == "running" and job.current_stage in NOT_RUNNING else None


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
    for name in sorted(NUMBERS & nonfinite.keys()):
        lifecycle.warn(
            job, f"nonfinite_{name}", f"{name} was {nonfinite[name]}{where}; such values are left out of the curve."
        )
