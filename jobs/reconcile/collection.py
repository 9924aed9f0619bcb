"""Bringing the files of a run that ended home: verify what the cluster uploaded, copy what it only lists.

Until all files lie in `lora-models` with the right hashes the job is in finalization, its cost clock
stopped. After a day without them a completed job fails: an adapter that nobody has is not a completed job. A
cancelled one, whose user asked to keep what was learned so far, is cancelled without it after an hour.
"""

import logging
import uuid
from datetime import timedelta

from django.utils import timezone

from datasets.storage import open_store
from datasets.storage.base import StorageError
from datasets.storage.keys import clean_key
from jobs import lifecycle
from jobs.clusters.base import ArtifactListing, ClusterError, Polled, PollRequest
from jobs.clusters.files import files_of
from jobs.deliveries import BUCKET, MAX_FILES, MAX_TOTAL_BYTES
from jobs.models import ModelArtifact, TrainingJob
from jobs.models.run import ArtifactStatus
from jobs.reasons import ErrorCode
from jobs.reconcile import finish, gate, mending
from jobs.reconcile.backoff import is_due, retry_at
from jobs.reconcile.summary import MAX_SUMMARY_BYTES, SUMMARY_FILE, quality, read_summary, versions
from jobs.reconcile.transfer import LEASE_SECONDS, Damaged, Stored, TooLarge, copied, verified
from jobs.states import Status

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=1)
GIVE_UP_PARTIAL_AFTER = timedelta(hours=1)
CANCELLED = "cancelled"


class NothingKept(Exception):
    """A run that was stopped left nothing worth keeping."""


class NotThereYet(Exception):
    """The files are not complete, or cannot be taken over as they are listed: try again later."""


def collect(job_id: uuid.UUID | str) -> None:
    """Bring the files of a job in finalization home and end it. A duplicate call does nothing."""
    statuses = {Status.INITIALIZING, Status.RUNNING, Status.CANCELLING}
    with lifecycle.leased(job_id, statuses=statuses, seconds=LEASE_SECONDS) as lease:
        if lease is None:
            return
        job = TrainingJob.objects.select_related("artifact", "owner").get(pk=lease.job_id)
        if not job.cluster_result:
            return
        if job.poll_failures and not is_due(job.next_poll_at, timezone.now()):
            return  # told once more: what is in trouble keeps its pace
        try:
            if not hasattr(job, "artifact"):
                finish.begin_artifact(job)  # no row says where the files go
            files = _bring_home(lease, job)
            summary = _summary(job.artifact.storage_prefix, files)
        except NothingKept:
            _without_files(lease, "its GPUs are free. There was nothing to keep yet")
        except gate.GateClosed as closed:
            _later(lease, closed.reason)
        except (ClusterError, StorageError) as error:
            _later(lease, f"Bringing the files into storage: {error.message}")
        except (NotThereYet, Damaged, TooLarge) as error:
            _later(lease, str(error))
        except lifecycle.LeaseLost:
            raise
        except Exception:
            logger.exception("Job %s: its files could not be brought home", job.short_id)
            _later(lease, "Something unexpected went wrong with the files; the operator's log says what it was.")
        else:
            _end(lease, files, summary)


def _bring_home(lease: lifecycle.Lease, job: TrainingJob) -> list[Stored]:
    door = gate.enter(job.cluster)
    external_id = _run_of(job)
    with gate.noted(door, about=str(job.pk)):
        listing = _listing(door, external_id)
    if not listing.complete:
        raise NotThereYet("Waiting for the GPU cluster to hand all files over.")
    if not listing.files:
        if job.cluster_result == CANCELLED:
            raise NothingKept
        raise NotThereYet("The GPU cluster says that the job completed but names no files.")
    if len(listing.files) > MAX_FILES:
        raise NotThereYet(f"The cluster lists {len(listing.files)} files; at most {MAX_FILES} are taken over.")
    store = open_store()
    files: list[Stored] = []
    left = MAX_TOTAL_BYTES
    for file in listing.files:
        path = clean_key(job.artifact.storage_prefix + file.path)
        if file.url is None:
            stored = verified(lease, file, store.stream(bucket=BUCKET, path=path), limit=left)
        else:
            stored = copied(
                lease, file, door.cluster.download(file.url), to=store, bucket=BUCKET, path=path, limit=left
            )
        left -= stored["size"]
        files.append(stored)
    return files


def _run_of(job: TrainingJob) -> str:
    """The cluster's id of the run whose files are wanted. Raises NotThereYet where nobody knows it."""
    attempt = mending.attempt_of(job)
    external_id = job.external_job_id or (attempt.external_job_id if attempt else "")
    if not external_id:
        raise NotThereYet("Nobody knows under which id the GPU cluster ran this job; its files cannot be asked for.")
    return external_id


def _listing(door: gate.Gate, external_id: str) -> ArtifactListing:
    """What there is to fetch, with fresh URLs: from the listing, or at level 1 from the status."""
    if door.capabilities.has("artifacts"):
        return door.cluster.artifacts(external_id)
    request = PollRequest(external_id)
    answer = door.cluster.poll([request], capabilities=door.capabilities).get(external_id)
    if isinstance(answer, ClusterError):
        raise answer
    if not isinstance(answer, Polled):
        raise NotThereYet("The GPU cluster no longer lists this job's files.")
    try:
        return ArtifactListing(files_of(answer.status), complete=True)
    except ValueError as error:
        raise NotThereYet(f"The GPU cluster lists a file that cannot be taken over: {error}.") from error


def _summary(prefix: str, files: list[Stored]) -> dict[str, object]:
    """The run's own summary, where it wrote one that can be read."""
    sizes = {file["path"]: file["size"] for file in files}
    if not 0 < sizes.get(SUMMARY_FILE, 0) <= MAX_SUMMARY_BYTES:
        return {}
    return read_summary(b"".join(open_store().stream(bucket=BUCKET, path=prefix + SUMMARY_FILE)))


def _end(lease: lifecycle.Lease, files: list[Stored], summary: dict[str, object]) -> None:
    """All files are home: the job is completed, or cancelled with its partial adapter."""
    with lifecycle.locked(lease) as job:
        artifact = ModelArtifact.objects.get(job=job)
        artifact.files = files
        artifact.status = ArtifactStatus.READY
        artifact.training_summary = summary
        artifact.quality_metrics = quality(summary, job.current_metrics)
        artifact.configuration = {**artifact.configuration, "versions": versions(summary)}
        artifact.is_partial = artifact.is_partial or summary.get("is_partial") is True
        artifact.save()
        job.waiting_for = ""
        job.save()
        if job.cluster_result == CANCELLED:
            finish.cancelled(job, note="its GPUs are free, and what was learned so far is in storage")
        else:
            finish.complete(job, message="Training completed.")
        lifecycle.record(
            job,
            "artifact",
            f"{len(files)} files are in storage.",
            detail={"state": "ready", "artifact_id": str(artifact.pk)},
        )
    logger.info("Job %s: %d files in %s", job.short_id, len(files), BUCKET)


def _without_files(lease: lifecycle.Lease, note: str) -> None:
    """Cancel a job of which nothing is kept."""
    with lifecycle.locked(lease) as job:
        ModelArtifact.objects.filter(job=job, status=ArtifactStatus.COLLECTING).delete()
        finish.cancelled(job, note=note)


def _later(lease: lifecycle.Lease, why: str) -> None:
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        job.poll_failures += 1
        job.waiting_for = why[:500]
        job.next_poll_at = retry_at(now, failures=job.poll_failures, first_s=2.0)
        job.cluster_ended_at = job.cluster_ended_at or now
        job.save()
        patience = GIVE_UP_PARTIAL_AFTER if job.cluster_result == CANCELLED else GIVE_UP_AFTER
        if job.cluster_ended_at is not None and job.cluster_ended_at + patience <= now:
            ModelArtifact.objects.filter(job=job).update(status=ArtifactStatus.FAILED)
            if job.cluster_result == CANCELLED:
                lifecycle.record(job, "artifact", f"The partial adapter could not be kept: {why}")
                finish.cancelled(job, note="its GPUs are free, but the partial adapter never came")
            else:
                finish.fail(job, None, ErrorCode.ARTIFACT_UNAVAILABLE, detail=why, now=now)
    logger.info("Job %s in finalization: %s", job.short_id, why)
