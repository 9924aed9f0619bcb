"""Checkpoints of a run, made known once they lie in storage: a new job can go on from each of them.

A cluster that has our callback uploads them while it trains; they are believed once each file lies in the
bucket with the size that was announced. From one without it they are copied when the run is over: until
then the job's lease belongs to polling and cancelling, and a copy may take long.
"""

import logging
import re
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from datasets.storage import open_store
from datasets.storage.base import InvalidKey, StorageError
from datasets.storage.keys import clean_key, clean_prefix
from jobs import callbacks, deliveries, lifecycle
from jobs.clusters.base import ArtifactFile, ClusterError, SavedCheckpoint
from jobs.models import Checkpoint, JobAttempt, TrainingJob
from jobs.reconcile import gate
from jobs.reconcile.transfer import LEASE_SECONDS, Damaged, Stored, TooLarge, copied
from jobs.states import TERMINAL

logger = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(job_id: uuid.UUID | str) -> None:
    """Take over the checkpoints that the job's cluster has in storage by now; harmless when repeated or too early."""
    job = TrainingJob.objects.select_related("owner").filter(pk=job_id).exclude(external_job_id="").first()
    if job is None:
        return
    attempt = job.attempts.get(number=job.attempt)
    if not job.is_terminal and (callbacks.url(job.pk, job.attempt) is None or not _is_behind(attempt)):
        return
    try:
        door = gate.enter(job.cluster)
        if not door.capabilities.has("checkpoints"):
            return
        known = set(_rows(attempt).values_list("restart", "step"))
        for saved in door.cluster.checkpoints(job.external_job_id):
            if (saved.restart, saved.step) in known:
                continue
            try:
                _take_over(job, attempt, saved, door)
            except InvalidKey as error:
                logger.info("Job %s: step %d has an impossible path: %s", job.short_id, saved.step, error)
    except (ClusterError, StorageError, Damaged, TooLarge, gate.GateClosed) as error:
        logger.info("Job %s: its checkpoints are not known yet: %s", job.short_id, error)


def _rows(attempt: JobAttempt) -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(job_id=attempt.job_id, attempt=attempt.number)


def _is_behind(attempt: JobAttempt) -> bool:
    return attempt.checkpoints_reported > _rows(attempt).count()


def _take_over(job: TrainingJob, attempt: JobAttempt, saved: SavedCheckpoint, door: gate.Gate) -> None:
    prefix = clean_prefix(f"{deliveries.prefix(job)}{saved.path}/")
    offered = [file for file in saved.files if file.url is not None]
    files = _copied(job, offered, prefix, door) if offered else []
    uploaded = _found([file for file in saved.files if file.url is None], prefix)
    if len(files) + len(uploaded) < len(saved.files):
        return  # still on its way
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
    """The offered files, brought into storage under the lease of a job that is over; none where it is taken."""
    store, left = open_store(), deliveries.MAX_TOTAL_BYTES
    files: list[Stored] = []
    with lifecycle.leased(job.pk, statuses=TERMINAL, seconds=LEASE_SECONDS) as lease:
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
