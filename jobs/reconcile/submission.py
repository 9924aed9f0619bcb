"""Submitting: intent first, then the call, then what became of it. At most one paid cluster job per attempt.

The submission key is stored before the cluster is called and reused until the outcome is known. What an
unanswered call did is found out by asking again with the same key, or by looking the job up; a cluster that
offers neither (level 1) is never asked twice.
"""

import logging
import uuid

from django.utils import timezone

from datasets import services as datasets
from datasets.exceptions import DatasetChanged, DatasetError, DatasetMissing
from jobs import lifecycle, resumption, sources
from jobs.clusters.base import AlreadyExists, ClusterError, Refused, Submission, Unknown
from jobs.exceptions import InvalidJob
from jobs.models import JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reasons import ErrorCode
from jobs.reconcile import accept, cancellation, finish, gate, intent, mending
from jobs.reconcile.backoff import is_due, retry_at
from jobs.states import Stage, Status

logger = logging.getLogger(__name__)

UNEXPECTED = "Something unexpected went wrong here; it is tried again, and the operator's log says what it was."


def submit(job_id: uuid.UUID | str) -> None:
    """Bring a queued job to its cluster, or find out what an earlier try did. A duplicate call does nothing.

    A job that is cancelled while its submission is in flight is stopped at the cluster right after.
    """
    with lifecycle.leased(job_id, statuses={Status.QUEUED}) as lease:
        if lease is not None:
            _submit(lease)
    # Read before the attempt to claim: a claim writes, and as a rule there is nothing to stop. Who cancels
    # after this read finds the lease free.
    if TrainingJob.objects.filter(pk=job_id, status=Status.CANCELLING).exists():
        cancellation.release(job_id, at_once=lease is not None)


def _submit(lease: lifecycle.Lease) -> None:
    related = ("dataset", "base_model", "owner", "validation_dataset", "resume_from")
    job = TrainingJob.objects.select_related(*related).get(pk=lease.job_id)
    if not is_due(job.next_attempt_at, timezone.now()):
        return
    try:
        attempt = mending.attempt_of(job)
        if attempt is not None and attempt.external_job_id:
            accept.accepted(lease, attempt.external_job_id)  # never asked for twice, whatever the job's status says
            return
        is_open = attempt is not None and attempt.outcome in accept.OPEN
        # What a cluster could do before an unanswered try does not say that the same may be sent again now.
        since = attempt.sent_at if attempt is not None and is_open else None
        door = gate.enter(job.cluster, to_submit=True, known_since=since)
        if attempt is not None and is_open:
            if not _may_ask_again(lease, attempt, door):
                return
        else:
            if lacking := sources.lacking(job, door.capabilities):
                _fail(lease, ErrorCode.SETTINGS_INVALID, lacking)
                return
            for dataset in filter(None, (job.dataset, job.validation_dataset)):
                datasets.dataset_verify_unchanged(dataset)
        start = attempt.resume_from if attempt else resumption.starting_point(job, job.attempt, door.capabilities)
        # Signed before the intent: what fails up to here was certainly never sent.
        signed = sources.signed(job, attempt.request if attempt else sources.frozen(job, start), start)
        logger.info("Generated signed URL for job %s from bucket: %s", job.short_id, job.dataset.storage_bucket)
        attempt = intent.store(lease, start)
        if attempt is not None:
            _send(lease, intent.order(job, attempt, signed), attempt, door)
    except gate.GateClosed as closed:
        _postpone(lease, closed.reason, told_s=closed.wait_s)
    except (DatasetChanged, DatasetMissing) as error:
        code = ErrorCode.DATASET_CHANGED if isinstance(error, DatasetChanged) else ErrorCode.DATASET_MISSING
        _fail(lease, code, error.message)
    except InvalidJob as error:
        _fail(lease, ErrorCode.BASE_MODEL_UNAVAILABLE, error.message)
    except ClusterError as error:
        gate.note_failure(job.cluster, error, about=str(job.pk))
        _postpone(lease, f"Waiting for the GPU cluster: {error.message}", told_s=error.retry_after_s)
    except DatasetError as error:
        _postpone(lease, f"Waiting for storage: {error.message}")
    except lifecycle.LeaseLost:
        raise
    except Exception:
        logger.exception("Job %s could not be submitted", job.short_id)
        _postpone(lease, UNEXPECTED)


def _fail(lease: lifecycle.Lease, code: ErrorCode, why: str) -> None:
    """What the job is to start from cannot be had: nothing was sent, so nothing was used."""
    with lifecycle.locked(lease) as job:
        if job.status == Status.QUEUED:
            finish.fail(job, None, code, detail=why, now=timezone.now())


def _send(lease: lifecycle.Lease, submission: Submission, attempt: JobAttempt, door: gate.Gate) -> None:
    try:
        external_id = door.cluster.submit(submission, capabilities=door.capabilities)
    except (AlreadyExists, Refused) as error:
        # A no to this try may be due to an earlier one of ours, which the cluster took.
        gate.note_success(door)
        known = accept.find(door, attempt)
        if known is None:
            if isinstance(error, Refused):
                accept.refused(lease, error.message)
            else:
                accept.unconfirmed(lease, "it says that it has this job already, but does not list it.")
            return
        external_id = known
    except Unknown as error:
        gate.note_failure(door.name, error, about=str(attempt.job_id))
        accept.unconfirmed(lease, error.message)
        return
    except ClusterError as error:
        gate.note_failure(door.name, error, about=str(attempt.job_id))
        _not_sent(lease, error)
        return
    gate.note_success(door)
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
