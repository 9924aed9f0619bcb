"""Submitting: intent first, then the call, then what became of it. At most one paid cluster job per attempt.

The submission key is stored before the cluster is called and reused until the outcome is known. What an
unanswered call did is found out by asking again with the same key, or by looking the job up; a cluster that
offers neither (level 1) is never asked twice.
"""

import logging
import uuid

from django.conf import settings
from django.utils import timezone

from datasets import services as datasets
from datasets.exceptions import DatasetChanged, DatasetError, DatasetMissing
from datasets.storage import signing
from datasets.storage.base import SignedUrl
from jobs import callbacks, lifecycle
from jobs.clusters.base import AlreadyExists, ClusterError, DatasetRef, Refused, Submission, Unknown
from jobs.models import Installation, JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reconcile import accept, cancellation, finish, gate
from jobs.reconcile.backoff import retry_at
from jobs.states import ErrorCode, Stage, Status

logger = logging.getLogger(__name__)


def submit(job_id: uuid.UUID | str) -> None:
    """Bring a queued job to its cluster, or find out what an earlier try did. A duplicate call does nothing.

    A job that is cancelled while its submission is in flight is stopped at the cluster right after.
    """
    with lifecycle.leased(job_id, statuses={Status.QUEUED}) as lease:
        if lease is not None:
            _submit(lease)
    cancellation.release(job_id)


def _submit(lease: lifecycle.Lease) -> None:
    job = TrainingJob.objects.select_related("dataset", "base_model", "owner").get(pk=lease.job_id)
    if job.next_attempt_at > timezone.now():
        return
    try:
        door = gate.enter(job.cluster, to_submit=True)
        attempt = job.attempts.filter(number=job.attempt).first()
        if attempt is not None and attempt.outcome in accept.OPEN:
            if not _may_ask_again(lease, attempt, door):
                return
        else:
            datasets.dataset_verify_unchanged(job.dataset)
        # Signed before the intent: what fails up to here was certainly never sent.
        signed = signing.sign_download(bucket=job.dataset.storage_bucket, path=job.dataset.storage_path)
        logger.info("Generated signed URL for job %s from bucket: %s", job.short_id, job.dataset.storage_bucket)
        attempt = _intend(lease)
        if attempt is not None:
            _send(lease, _submission(job, attempt, signed), attempt, door)
    except gate.GateClosed as closed:
        _postpone(lease, closed.reason, told_s=closed.wait_s)
    except (DatasetChanged, DatasetMissing) as error:
        code = ErrorCode.DATASET_CHANGED if isinstance(error, DatasetChanged) else ErrorCode.DATASET_MISSING
        with lifecycle.locked(lease) as job:
            if job.status == Status.QUEUED:
                finish.fail(job, None, code, detail=error.message, now=timezone.now())
    except ClusterError as error:
        gate.note_failure(job.cluster, error)
        _postpone(lease, f"Waiting for the GPU cluster: {error.message}", told_s=error.retry_after_s)
    except DatasetError as error:
        _postpone(lease, f"Waiting for storage: {error.message}")


def _intend(lease: lifecycle.Lease) -> JobAttempt | None:
    """Store what is about to be asked for; None where the job is no longer queued."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        if job.status != Status.QUEUED:
            return None
        attempt = job.attempts.filter(number=job.attempt).first()
        if attempt is None:
            attempt = JobAttempt(
                job=job,
                number=job.attempt,
                owner_id=job.owner_id,
                cluster=job.cluster,
                submission_key=f"{job.pk}:{job.attempt}",
                request={
                    "base_model": job.base_model.name,
                    "hyperparameters": job.hyperparameters,
                    "gpu_config": job.gpu_config,
                    "dataset_sha256": job.dataset.sha256,
                    "max_runtime_s": settings.JOB_MAX_RUNTIME_SECONDS,
                },
            )
        elif attempt.outcome in accept.OPEN:
            # Nobody knows what that try did, and a refusal of the next one will not tell.
            attempt.unconfirmed_since = attempt.unconfirmed_since or attempt.sent_at
        attempt.outcome = SubmitOutcome.SENDING
        attempt.sent_at = now
        attempt.save()
        job.submission_key = attempt.submission_key
        job.save(update_fields=["submission_key", "updated_at"])
        # The answer belongs to whoever asked: however slow it was so far, nobody takes over during the call.
        lifecycle.renew(lease, now=now)
        return attempt


def _send(lease: lifecycle.Lease, submission: Submission, attempt: JobAttempt, door: gate.Gate) -> None:
    try:
        external_id = door.cluster.submit(submission, capabilities=door.capabilities)
    except (AlreadyExists, Refused) as error:
        # A no to this try may be due to an earlier one of ours, which the cluster took.
        known = accept.find(door, attempt)
        if known is None:
            if isinstance(error, Refused):
                accept.refused(lease, error.message)
            else:
                accept.unconfirmed(lease, "it says that it has this job already, but does not list it.")
            return
        external_id = known
    except Unknown as error:
        gate.note_failure(door.name, error)
        accept.unconfirmed(lease, error.message)
        return
    except ClusterError as error:
        gate.note_failure(door.name, error)
        _not_sent(lease, error)
        return
    gate.note_success(door.name)
    accept.accepted(lease, external_id)


def _may_ask_again(lease: lifecycle.Lease, attempt: JobAttempt, door: gate.Gate) -> bool:
    """After an unknown outcome: whether the same submission may be sent again. Adopts or gives up otherwise."""
    if door.capabilities.has("idempotent_submit"):
        return True
    if door.capabilities.has("lookup"):
        external_id = accept.find(door, attempt)
        if external_id is not None:
            accept.accepted(lease, external_id)
            return False
        if accept.is_settled(attempt):
            return True
    accept.unconfirmed(lease, "The cluster did not answer.")
    return False


def _not_sent(lease: lifecycle.Lease, error: ClusterError) -> None:
    """This try certainly had no effect: later, with nothing burned. An earlier unknown try stays unknown."""
    with lifecycle.locked(lease) as job:
        attempt = job.attempts.get(number=job.attempt)
        if attempt.unconfirmed_since is None:
            attempt.outcome = SubmitOutcome.NOT_SENT
            job.submission_key = ""
        else:
            attempt.outcome = SubmitOutcome.UNKNOWN
            job.current_stage = Stage.SUBMISSION_UNCONFIRMED.value
        attempt.save(update_fields=["outcome"])
        job.save(update_fields=["submission_key", "current_stage", "updated_at"])
    _postpone(lease, f"Waiting for the GPU cluster: {error.message}", told_s=error.retry_after_s)


def _postpone(lease: lifecycle.Lease, reason: str, *, told_s: float | None = None) -> None:
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        if job.status != Status.QUEUED:
            return  # cancelled meanwhile
        job.submit_failures += 1
        job.waiting_for = reason[:500]
        job.next_attempt_at = retry_at(now, failures=job.submit_failures, told_s=told_s)
        job.save(update_fields=["submit_failures", "waiting_for", "next_attempt_at", "updated_at"])
        accept.give_up_where_overdue(job, reason, now=now)
    logger.info("Job %s stays queued: %s", job.short_id, reason)


def _submission(job: TrainingJob, attempt: JobAttempt, signed: SignedUrl) -> Submission:
    request = attempt.request
    url = callbacks.url(job.pk, attempt.number)
    installation, _ = Installation.objects.get_or_create(singleton=True)
    return Submission(
        job_id=str(job.pk),
        attempt=attempt.number,
        key=attempt.submission_key,
        dataset=DatasetRef(
            url=signed.url,
            sha256=request["dataset_sha256"],
            bytes=job.dataset.file_size,
            url_expires_at=signed.expires_at,
        ),
        base_model=request["base_model"],
        hyperparameters=request["hyperparameters"],
        gpu_type=request["gpu_config"]["type"],
        gpu_count=request["gpu_config"]["count"],
        max_runtime_s=request["max_runtime_s"],
        labels={"installation": str(installation.pk), "job_id": str(job.pk), "owner": job.owner.get_username()},
        callback_url=url,
        callback_token=callbacks.token(job.pk, attempt.number) if url else None,
    )
