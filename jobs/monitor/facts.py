"""From a job's rows to what jobs.monitor.situation judges."""

from datetime import datetime

from django.conf import settings

from jobs import selectors, sentinel
from jobs.models import Cluster, TrainingJob
from jobs.monitor.clocks import Seen
from jobs.monitor.situation import Known, Situation, situation
from jobs.states import TERMINAL, Status


def situation_of(job: TrainingJob, *, now: datetime) -> Situation:
    """How it stands with a job as selectors.job_get reads it. Without trouble it costs no query."""
    return situation(known(job, now=now), now=now)


def known(job: TrainingJob, *, now: datetime) -> Known:
    """The facts; those of a run that is over or being stopped say nothing about its pace."""
    is_queued = job.status == Status.QUEUED
    failures = job.submit_failures if is_queued else job.poll_failures
    return Known(
        status=job.status,
        stage=job.current_stage,
        stage_detail=job.stage_detail,
        waiting_for=job.waiting_for,
        step=job.current_step,
        attempt=job.attempt,
        failures=failures,
        is_missing=job.missing_since is not None,
        key_is_refused=bool(failures) and Cluster.objects.filter(name=job.cluster, key_refused=True).exists(),
        run_has_ended=bool(job.cluster_result),
        keeps_adapter=job.keep_adapter,
        due_at=job.next_attempt_at if is_queued else job.next_poll_at,
        is_taken=job.lease_token is not None and job.lease_expires_at is not None and job.lease_expires_at > now,
        poll_every_s=settings.POLL_INTERVAL_SECONDS,
        seen=_seen(job),
    )


def _seen(job: TrainingJob) -> Seen:
    if job.status in TERMINAL:
        return Seen()
    watch = selectors.watched_of(job)
    if job.cluster_result or job.status == Status.CANCELLING:
        return Seen(heard_at=watch.heard_at)
    memory = sentinel.Memory.read(watch.sentinel_state)
    stepped_at = _moment(memory.moved_at) if memory.at_step else None
    usual_s = 0.0
    if stepped_at is not None and job.started_at is not None and job.current_step > 0:
        usual_s = max(0.0, (stepped_at - job.started_at).total_seconds() / job.current_step)
    return Seen(
        heard_at=watch.heard_at,
        beat_at=_moment(memory.beat_at),
        stepped_at=stepped_at,
        slowest_s=memory.slowest_s,
        usual_s=usual_s,
        log_every=int(job.hyperparameters.get("logging_steps") or 1),
    )


def _moment(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
