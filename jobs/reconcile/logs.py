"""The run's log: its last lines in the database while somebody looks, the whole in storage after the end."""

import io
import logging
import uuid
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import F

from datasets.storage import open_store
from datasets.storage.base import StorageError
from jobs import deliveries
from jobs.clusters.base import ClusterError, NoSuchJob
from jobs.models import JobLog, TrainingJob
from jobs.reconcile import gate
from jobs.reconcile.streams import HashingReader, TooLarge

logger = logging.getLogger(__name__)

TAIL_LINES = 500
TAIL_CHARS = 100_000
MAX_LOG_BYTES = 5 * 1024**3
# A log that goes on for ever does not hold a worker for ever: the next look goes on where this one ended.
MAX_PAGES = 1000


def pull(job_id: uuid.UUID | str) -> None:
    """Take over new lines of a job's log; harmless when repeated or too early."""
    job = TrainingJob.objects.filter(pk=job_id).exclude(external_job_id="").first()
    if job is None:
        return
    try:
        door = gate.enter(job.cluster, may_probe=False)
        if not door.capabilities.has("logs_cursor"):
            return
        for _ in range(MAX_PAGES):
            log = _log_of_attempt(job)
            page = door.cluster.logs(job.external_job_id, after=log.cursor)
            if not _append(log, page.lines, page.next) or not page.has_more:
                return
    except (ClusterError, gate.GateClosed) as error:
        logger.info("Job %s: no log now: %s", job.short_id, error)


def archive(job_id: uuid.UUID | str) -> None:
    """Keep the whole log of an ended job in storage; harmless when repeated."""
    pull(job_id)
    job = TrainingJob.objects.select_related("owner").get(pk=job_id)
    log = JobLog.objects.filter(job=job, storage_path="").first()
    if log is None or not job.is_terminal:
        return
    path = deliveries.log_path(job)
    try:
        door = gate.enter(job.cluster, may_probe=False)
        if not door.capabilities.has("logs_cursor"):
            return
        reader = HashingReader(_of_all_attempts(door, job), limit=MAX_LOG_BYTES)
        with io.BufferedReader(reader, 1024**2) as stream:
            open_store().put(bucket=deliveries.BUCKET, path=path, body=stream, content_type="text/plain; charset=utf-8")
    except (ClusterError, StorageError, TooLarge, gate.GateClosed) as error:
        log.save(update_fields=["updated_at"])  # puts the next try off
        logger.info("Job %s: its log is not in storage yet: %s", job.short_id, error)
        return
    log.storage_path = path
    log.save(update_fields=["storage_path", "updated_at"])


def _log_of_attempt(job: TrainingJob) -> JobLog:
    """The job's log, whose cursor is that of the current attempt."""
    log, _ = JobLog.objects.get_or_create(job=job, defaults={"owner_id": job.owner_id, "attempt": job.attempt})
    if log.attempt < job.attempt:
        tail = "\n".join(filter(None, (log.tail, _heading(job.attempt))))
        JobLog.objects.filter(pk=log.pk, attempt=log.attempt).update(attempt=job.attempt, cursor=0, tail=tail)
        log.refresh_from_db()
    return log


def _heading(attempt: int) -> str:
    return f"--- Attempt {attempt} ---"


def _append(log: JobLog, lines: Sequence[str], cursor: int) -> bool:
    """Add lines unless somebody else did, or they are older than the last; whether they were added."""
    if cursor <= log.cursor:
        return False
    tail = "\n".join(([log.tail] if log.tail else []) + [line.replace("\0", "") for line in lines])
    tail = "\n".join(tail[-TAIL_CHARS:].split("\n")[-TAIL_LINES:])
    with transaction.atomic():
        return bool(
            JobLog.objects.filter(pk=log.pk, attempt=log.attempt, cursor=log.cursor).update(
                tail=tail, cursor=cursor, total_lines=F("total_lines") + len(lines)
            )
        )


def _of_all_attempts(door: gate.Gate, job: TrainingJob) -> Iterator[bytes]:
    """The logs of all attempts that ran, one after the other; a single one without a heading."""
    ran = list(job.attempts.exclude(external_job_id="").order_by("number"))
    for attempt in ran:
        if len(ran) > 1:
            yield f"{_heading(attempt.number)}\n".encode()
        try:
            yield from _whole(door, attempt.external_job_id)
        except NoSuchJob:
            if attempt is ran[-1]:
                raise
            yield b"The cluster no longer has this attempt's log.\n"


def _whole(door: gate.Gate, external_id: str) -> Iterator[bytes]:
    after, more = 0, True
    while more:
        page = door.cluster.logs(external_id, after=after)
        if page.lines:
            yield ("\n".join(page.lines) + "\n").encode()
        more = page.has_more and page.next > after
        after = page.next
