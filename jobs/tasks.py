"""Celery's side: the tick that fans out, and one thin task per kind of work. Tasks are nudges; rows are the truth."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from celery import current_app, shared_task
from django.conf import settings
from django.utils import timezone

from datasets.nudges import nudge, nudge_events
from jobs import heartbeat, reconcile
from jobs.models import JobEvent, TrainingJob
from jobs.states import Status

# Above this many due polls they travel in chunks: one message for several jobs.
ONE_BY_ONE_UP_TO = 1000
CHUNK = 200
# A fresh cancel is followed closely, then less so: its end is seen a third later than it is, or two seconds. After
# this the tick takes over.
ASK_AGAIN_FOR = timedelta(seconds=30)
ASK_AGAIN_IN_S = 2.0
ASK_AGAIN_PART = 3


@shared_task(name="jobs.process_training_jobs")
def process_training_jobs() -> dict[str, int]:
    """The tick: one message per due job. Messages expire at the next tick, so that none pile up."""
    due = reconcile.select(timezone.now())
    expires = settings.POLL_INTERVAL_SECONDS
    with current_app.producer_or_acquire() as producer:
        for task, ids in (
            (submit_job, due.submit),
            (release_job, due.release),
            (collect_artifact, due.collect),
            (archive_logs, due.archive),
            (fetch_checkpoints, due.fetch),
        ):
            for job_id in ids:
                task.apply_async(args=(str(job_id),), expires=expires, producer=producer)
        for chunk in _chunks(due.poll):
            poll_jobs.apply_async(args=(chunk,), expires=expires, producer=producer)
        if settings.HEARTBEAT_URL:
            send_heartbeat.apply_async(expires=expires, producer=producer)
    return due.counts()


@shared_task(name="jobs.send_heartbeat")
def send_heartbeat() -> None:
    heartbeat.send()


@shared_task(name="jobs.refresh_clusters")
def refresh_clusters() -> None:
    reconcile.refresh_all()


@shared_task(name="jobs.sweep_orphans")
def sweep_orphans() -> None:
    reconcile.sweep_orphans()


@shared_task(name="jobs.submit_job")
def submit_job(job_id: str) -> None:
    started = timezone.now()
    reconcile.submit(job_id)
    _follow_up([job_id], started)


@shared_task(name="jobs.release_job")
def release_job(job_id: str) -> None:
    started = timezone.now()
    reconcile.release(job_id)
    _follow_up([job_id], started)
    asked_at = TrainingJob.objects.filter(pk=job_id, status=Status.CANCELLING).values_list("cancel_requested_at")
    for waited in (started - at for (at,) in asked_at if at):
        if waited < ASK_AGAIN_FOR:
            nudge(release_job, job_id, in_s=max(ASK_AGAIN_IN_S, waited.total_seconds() / ASK_AGAIN_PART))


@shared_task(name="jobs.poll_jobs")
def poll_jobs(job_ids: list[str]) -> None:
    started = timezone.now()
    reconcile.poll(job_ids)
    _follow_up(job_ids, started)


@shared_task(name="jobs.collect_artifact")
def collect_artifact(job_id: str) -> None:
    started = timezone.now()
    reconcile.collect(job_id)
    _follow_up([job_id], started)


@shared_task(name="jobs.pull_logs")
def pull_logs(job_id: str) -> None:
    reconcile.pull(job_id)


@shared_task(name="jobs.archive_logs")
def archive_logs(job_id: str) -> None:
    reconcile.archive(job_id)


@shared_task(name="jobs.fetch_checkpoints")
def fetch_checkpoints(job_id: str) -> None:
    reconcile.fetch(job_id)


def _follow_up(job_ids: list[str], since: datetime) -> None:
    """Nudge what the events written `since`, and new checkpoints, call for: nothing of it waits for the tick."""
    for job_id in reconcile.with_new_checkpoints(since, among=job_ids):
        nudge(fetch_checkpoints, str(job_id))
    events = JobEvent.objects.filter(job__pk__in=job_ids, created_at__gte=since).order_by()
    news = set(events.values_list("job_id", flat=True))
    if not news:
        return
    for job in TrainingJob.objects.filter(pk__in=news):
        if job.status == Status.CANCELLING and not job.cluster_result and job.stop_reason and not job.cancel_sent_at:
            nudge(release_job, str(job.pk))
        elif job.is_terminal and job.external_job_id:
            nudge(archive_logs, str(job.pk))
        elif job.cluster_result:
            nudge(collect_artifact, str(job.pk))
    nudge_events()


def _chunks(job_ids: list[uuid.UUID]) -> Iterator[list[str]]:
    size = 1 if len(job_ids) <= ONE_BY_ONE_UP_TO else CHUNK
    for start in range(0, len(job_ids), size):
        yield [str(job_id) for job_id in job_ids[start : start + size]]
