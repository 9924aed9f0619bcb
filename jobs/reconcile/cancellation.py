"""Cancelling at the cluster: ask, ask again, and believe it only when the cluster says that the GPUs are free."""

import logging
import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from jobs import lifecycle
from jobs.clusters.base import ClusterError, NoSuchJob, Refused
from jobs.lifecycle import Lease
from jobs.models import JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reconcile import accept, finish, gate, mending, polling
from jobs.reconcile.backoff import LONGEST_SECONDS_OF_A_CANCEL, is_due, retry_at
from jobs.reconcile.collection import GIVE_UP_PARTIAL_AFTER
from jobs.states import Status

logger = logging.getLogger(__name__)

# A cancel is repeated while the cluster still reports the job as alive.
REPEAT_AFTER = timedelta(seconds=60)
# A cancel that could not be brought home for this long is a warning on the job.
WARN_AFTER = timedelta(minutes=2)


def release(job_id: uuid.UUID | str, *, at_once: bool = False) -> None:
    """Stop a job that is being cancelled, and follow it to its end. A duplicate call does nothing.

    A job whose cluster did not answer has its pace, but for who has submitted it just now (`at_once`).
    """
    with lifecycle.leased(job_id, statuses={Status.CANCELLING}) as lease:
        if lease is None:
            return
        job = TrainingJob.objects.get(pk=lease.job_id)
        if job.cluster_result:
            return  # it ended before the cancel reached it; its files are on their way
        if job.poll_failures and not at_once and not is_due(job.next_poll_at, timezone.now()):
            return  # a cluster that is in trouble is not pressed
        try:
            _release(lease, job)
        except lifecycle.LeaseLost:
            raise
        except Exception:
            logger.exception("Job %s could not be stopped", job.short_id)
            _keep_trying(lease, "something unexpected went wrong here; the operator's log says what it was.")


def _release(lease: Lease, job: TrainingJob) -> None:
    attempt = mending.attempt_of(job)
    if attempt is None or attempt.outcome == SubmitOutcome.NOT_SENT:
        _end_unsent(lease, attempt)
        return
    if _waited_long_enough(job, attempt):
        with lifecycle.locked(lease) as job:
            finish.handed_nothing_over(job, job.attempts.get(number=job.attempt), now=timezone.now())
        return
    try:
        door = gate.enter(job.cluster)
        if job.external_job_id or _adopt(lease, attempt, door):
            _stop(lease, door)
    except gate.GateClosed as closed:
        _keep_trying(lease, closed.reason, told_s=closed.wait_s)
    except ClusterError as error:
        gate.note_failure(job.cluster, error, about=str(job.pk))
        _keep_trying(lease, error.message, told_s=error.retry_after_s)


def _adopt(lease: Lease, attempt: JobAttempt, door: gate.Gate) -> bool:
    """Find the cluster's job of a submission whose outcome is unknown; whether there is one to stop now."""
    external_id = attempt.external_job_id or accept.find(door, attempt)
    if external_id is not None:
        accept.accepted(lease, external_id)
        return True
    if door.capabilities.has("lookup") and accept.is_settled(attempt):
        _end_unsent(lease, attempt)
    else:
        accept.unconfirmed(lease, "it has not said whether it took the job.")
    return False


def _end_unsent(lease: Lease, attempt: JobAttempt | None) -> None:
    with lifecycle.locked(lease) as job:
        if job.status != Status.CANCELLING:
            return
        if attempt is None:
            lifecycle.end_unsubmitted(job, lifecycle.SYSTEM)
        else:
            attempt.outcome = SubmitOutcome.NOT_SENT
            finish.never_started(job, attempt, now=timezone.now())


def _stop(lease: Lease, door: gate.Gate) -> None:
    """Ask for the stop and look how the job is. A cluster may refuse because the job has ended already."""
    refusal: Refused | None = None
    try:
        _ask_to_stop(lease, door)
    except Refused as error:
        refusal = error
    polling.follow(door, [lease], is_last=refusal is None)
    if refusal is not None:
        _keep_trying(lease, refusal.message)


def _ask_to_stop(lease: Lease, door: gate.Gate) -> None:
    now = timezone.now()
    job = TrainingJob.objects.get(pk=lease.job_id)
    if job.cancel_sent_at is not None and (_is_just_sent(job.cancel_sent_at, now) or _has_stopped(job)):
        return
    try:
        door.cluster.cancel(
            job.external_job_id,
            reason=job.stop_reason.replace("_", " ") or f"cancelled by {job.cancel_requested_by}",
            keep_adapter=job.keep_adapter,
            capabilities=door.capabilities,
        )
    except NoSuchJob:
        logger.info("Job %s: the cluster does not know it", job.short_id)  # the poll that follows settles it
    with lifecycle.locked(lease) as job:
        if job.cancel_sent_at is not None and _is_overdue(job):
            message = "The cluster was asked to stop the job and still reports it as running; asking it again."
            lifecycle.warn(job, "cancel_ignored", message, actor=lifecycle.SYSTEM)
        job.cancel_sent_at = now
        job.save(update_fields=["cancel_sent_at", "warnings", "updated_at"])
    logger.info("Job %s: cancel sent to GPU cluster", job.short_id)


def _keep_trying(lease: Lease, why: str, *, told_s: float | None = None) -> None:
    """The job may still be running: never claim that it stopped, ask again soon, and warn when it lasts."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        if job.status != Status.CANCELLING or job.cluster_result:
            return  # it has ended after all
        polling.count_silence(job)
        job.waiting_for = f"Still cancelling: {why} The cluster may go on billing until it answers."[:500]
        job.next_poll_at = retry_at(
            now, failures=job.poll_failures, told_s=told_s, longest_s=LONGEST_SECONDS_OF_A_CANCEL
        )
        if _is_overdue(job):
            lifecycle.warn(job, "cancel_not_confirmed", job.waiting_for, actor=lifecycle.SYSTEM)
        job.save()
        accept.give_up_where_overdue(job, why, now=now)
    logger.warning("Job %s could not be stopped at its cluster yet: %s", job.short_id, why)


def _is_just_sent(sent_at: datetime, now: datetime) -> bool:
    """Whether to wait before it is sent again. What lies ahead of us is a wrong clock's."""
    return timedelta(0) <= now - sent_at < REPEAT_AFTER


def _has_stopped(job: TrainingJob) -> bool:
    return finish.is_handing_over(job, job.attempts.get(number=job.attempt))


def _waited_long_enough(job: TrainingJob, attempt: JobAttempt) -> bool:
    """Whether a cluster, since the cancel, has had its time to hand over what is to be kept."""
    asked_at = job.cancel_requested_at
    is_late = asked_at is not None and asked_at + GIVE_UP_PARTIAL_AFTER <= timezone.now()
    return is_late and finish.is_handing_over(job, attempt)


def _is_overdue(job: TrainingJob) -> bool:
    return job.cancel_requested_at is not None and job.cancel_requested_at + WARN_AFTER <= timezone.now()
