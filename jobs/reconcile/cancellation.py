"""Cancelling at the cluster: ask, ask again, and believe it only when the cluster says that the GPUs are free."""

import logging
import uuid
from datetime import timedelta

from django.utils import timezone

from jobs import lifecycle
from jobs.clusters.base import ClusterError, NoSuchJob
from jobs.lifecycle import Lease
from jobs.models import TrainingJob
from jobs.reconcile import accept, finish, gate, polling
from jobs.states import Status

logger = logging.getLogger(__name__)

# A cancel is repeated while the cluster still reports the job as alive.
REPEAT_AFTER = timedelta(seconds=60)


def release(job_id: uuid.UUID | str) -> None:
    """Stop a job that is being cancelled, and follow it to its end. A duplicate call does nothing."""
    with lifecycle.leased(job_id, statuses={Status.CANCELLING}) as lease:
        if lease is None:
            return
        job = TrainingJob.objects.get(pk=lease.job_id)
        if job.cluster_result:
            return  # it ended before the cancel reached it; its files are on their way
        try:
            door = gate.enter(job.cluster)
            if job.external_job_id or _adopt(lease, job, door):
                _ask_to_stop(lease, door)
                polling.follow(door, [lease])
        except gate.GateClosed as closed:
            polling.unanswered(lease, closed.reason)
        except ClusterError as error:
            gate.note_failure(job.cluster, error)
            message = f"Still cancelling: {error.message} The cluster may go on billing until it answers."
            polling.unanswered(lease, message, told_s=error.retry_after_s)


def _adopt(lease: Lease, job: TrainingJob, door: gate.Gate) -> bool:
    """Find the cluster's job of a submission whose outcome is unknown; whether there is one to stop now."""
    attempt = job.attempts.get(number=job.attempt)
    external_id = accept.find(door, attempt)
    if external_id is not None:
        accept.accepted(lease, external_id)
        return True
    if door.capabilities.has("lookup") and accept.is_settled(attempt):
        with lifecycle.locked(lease) as locked:
            finish.never_started(locked, attempt, now=timezone.now())
    else:
        accept.unconfirmed(lease, "it has not said whether it took the job.")
    return False


def _ask_to_stop(lease: Lease, door: gate.Gate) -> None:
    now = timezone.now()
    job = TrainingJob.objects.get(pk=lease.job_id)
    if job.cancel_sent_at is not None and job.cancel_sent_at + REPEAT_AFTER > now:
        return
    try:
        door.cluster.cancel(
            job.external_job_id,
            reason=f"cancelled by {job.cancel_requested_by}",
            keep_adapter=job.keep_adapter,
            capabilities=door.capabilities,
        )
    except NoSuchJob:
        logger.info("Job %s: the cluster does not know it", job.short_id)  # the poll that follows settles it
    with lifecycle.locked(lease) as job:
        job.cancel_sent_at = now
        job.save(update_fields=["cancel_sent_at", "updated_at"])
    logger.info("Job %s: cancel sent to GPU cluster", job.short_id)
