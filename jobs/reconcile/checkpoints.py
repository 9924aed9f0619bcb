"""Checkpoints of a run, made known once they lie in storage: a new job can go on from each of them.

A cluster that has our callback uploads them while it trains; they are believed once each file lies in the
bucket with the size that was announced. From one without it they are copied when the run is over: until
then the job's lease belongs to polling and cancelling, and a copy may take long. A job that is started again
goes on from what is home by then.
"""

import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from datasets.storage import open_store
from datasets.storage.base import InvalidKey, StorageError
from datasets.storage.keys import clean_key, clean_prefix
from jobs import callbacks, deliveries, lifecycle
from jobs.clusters.base import ArtifactFile, ClusterError, NoSuchJob, SavedCheckpoint
from jobs.models import Checkpoint, JobAttempt, TrainingJob
from jobs.reconcile import gate
from jobs.reconcile.transfer import LEASE_SECONDS, Damaged, Stored, TooLarge, copied
from jobs.states import TERMINAL, Status

logger = logging.getLogger(__name__)

# How long after the end a cluster may still list more: an upload that was under way.
COUNTED_FOR = timedelta(minutes=10)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(job_id: uuid.UUID | str) -> None:
    """Take over the checkpoints that the job's cluster has in storage by now; harmless when repeated or too early."""
    job = TrainingJob.objects.select_related("owner").filter(pk=job_id).first()
    # While a job waits for its next attempt, the last one's checkpoints are what that will go on from.
    attempt = job.attempts.exclude(external_job_id="").order_by("-number").first() if job else None
    if job is None or attempt is None:
        return
    is_over = job.is_terminal or attempt.number < job.attempt
    if not is_over and callbacks.url(job.pk, attempt.number) is None:
        return
    if not job.is_terminal and not _is_behind(attempt):
        return
    try:
        door = gate.enter(job.cluster, may_probe=False)
        listed = door.cluster.checkpoints(attempt.external_job_id) if door.capabilities.has("checkpoints") else ()
        missing = [saved for saved in _unknown(attempt, listed) if not _is_home(job, attempt, saved, door)]
    except NoSuchJob:
        missing = []  # it will never have any to give
    except (ClusterError, StorageError, gate.GateClosed) as error:
        logger.info("Job %s: its checkpoints are not known yet: %s", job.short_id, error)
        return
    if not missing and job.completed_at is not None and job.completed_at + COUNTED_FOR <= timezone.now():
        # A cluster that counts others than it lists would be asked for a day.
        JobAttempt.objects.filter(pk=attempt.pk).update(checkpoints_reported=_rows(attempt).count())


def _unknown(attempt: JobAttempt, listed: Iterable[SavedCheckpoint]) -> list[SavedCheckpoint]:
    """The listed ones that have no row, each once."""
    known = set(_rows(attempt).values_list("restart", "step"))
    return list({key: saved for saved in listed if (key := (saved.restart, saved.step)) not in known}.values())


def _is_home(job: TrainingJob, attempt: JobAttempt, saved: SavedCheckpoint, door: gate.Gate) -> bool:
    """Take over one checkpoint; whether that is done, or will never be possible."""
    try:
        return _take_over(job, attempt, saved, door)
    except InvalidKey as error:
        logger.info("Job %s: step %d has an impossible path: %s", job.short_id, saved.step, error)
        return True
    except (Damaged, TooLarge) as error:
        logger.info("Job %s: step %d is not in storage yet: %s", job.short_id, saved.step, error)
        return False


def _rows(attempt: JobAttempt) -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(job_id=attempt.job_id, attempt=attempt.number)


def _is_behind(attempt: JobAttempt) -> bool:
    return attempt.checkpoints_reported > _rows(attempt).count()


def _take_over(job: TrainingJob, attempt: JobAttempt, saved: SavedCheckpoint, door: gate.Gate) -> bool:
    prefix = clean_prefix(f"{deliveries.prefix(job, attempt.number)}{saved.path}/")
    offered = [file for file in saved.files if file.url is not None]
    files = _copied(job, offered, prefix, door) if offered else []
    uploaded = _found([file for file in saved.files if file.url is None], prefix)
    if len(files) + len(uploaded) < len(saved.files):
        return False  # still on its way
    with transaction.atomic():
        _, is_new = Checkpoint.objects.get_or_create(
            job=job,
            attempt=attempt.number,
            restart=saved.restart,
            step=saved.step,
            defaults={
                "owner_id": job.owner_id,
                "epoch": saved.epoch,
                "validation_loss": saved.validation_loss,
                "storage_prefix": prefix,
                "files": [*uploaded, *files],
                "saved_at": saved.at,
            },
        )
        if is_new:
            lifecycle.record(
                job,
                "checkpoint",
                f"The checkpoint of step {saved.step} is in storage.",
                actor=lifecycle.CLUSTER,
                detail={"step": saved.step, "restart": saved.restart, "validation_loss": saved.validation_loss},
            )
    return True


def _found(announced: Sequence[ArtifactFile], prefix: str) -> list[Stored]:
    """Those of the announced files that lie in storage with the announced size."""
    if not announced:
        return []
    page = open_store().list(bucket=deliveries.BUCKET, prefix=prefix, limit=deliveries.MAX_FILES)
    sizes = {object.path: object.size for object in page.objects}
    return [
        Stored(path=file.path, size=sizes[path], sha256=_hash(file))
        for file in announced
        if (path := clean_key(prefix + file.path)) in sizes and file.size in (None, sizes[path])
    ]


def _copied(job: TrainingJob, offered: Sequence[ArtifactFile], prefix: str, door: gate.Gate) -> list[Stored]:
    """The offered files, brought into storage under the lease of a job that is over, or waits for its next attempt;
    none where the lease is taken."""
    store, left = open_store(), deliveries.MAX_TOTAL_BYTES
    files: list[Stored] = []
    with lifecycle.leased(job.pk, statuses={*TERMINAL, Status.QUEUED}, seconds=LEASE_SECONDS) as lease:
        if lease is None:
            return []
        for file in offered:
            path = clean_key(prefix + file.path)
            pieces = door.cluster.download(file.url or "")
            stored = copied(lease, file, pieces, to=store, bucket=deliveries.BUCKET, path=path, limit=left)
            left -= stored["size"]
            files.append(stored)
    return files


def _hash(file: ArtifactFile) -> str:
    return file.sha256 if file.sha256 and _SHA256.fullmatch(file.sha256) else ""
