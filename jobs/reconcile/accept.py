"""A cluster has the job: finding it after an unknown outcome, and storing its id."""

import logging
from datetime import timedelta

from django.utils import timezone

from jobs import lifecycle
from jobs.models import Installation, JobAttempt, JobLog, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reconcile import finish, gate
from jobs.reconcile.backoff import retry_at
from jobs.states import ErrorCode, Stage, Status

logger = logging.getLogger(__name__)

# How long a level-1 cluster's silence may last before the job fails and a person has to look.
UNCONFIRMED_FOR = timedelta(minutes=15)
# A submission that a cluster took shows up in its listing within this time: the longest call, and some more.
SETTLE_FOR = timedelta(seconds=80)


def find(door: gate.Gate, attempt: JobAttempt) -> str | None:
    """The cluster's id for this attempt, where it lists one that is ours. Raises ClusterError."""
    if not door.capabilities.has("lookup"):
        return None
    ours = str(Installation.objects.values_list("pk", flat=True).get(singleton=True))
    for known in door.cluster.find(str(attempt.job_id)):
        if known.attempt in (None, attempt.number) and known.labels.get("installation", ours) == ours:
            return known.external_job_id
    return None


def unconfirmed(lease: lifecycle.Lease, why: str) -> None:
    """Nobody knows whether the cluster took the job: say so, and give up after a while where nobody can find out."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        attempt = job.attempts.get(number=job.attempt)
        if attempt.unconfirmed_since is None:
            attempt.unconfirmed_since = now
            lifecycle.record(job, "submission", f"The cluster's answer to the submission is missing: {why}")
        attempt.outcome = SubmitOutcome.UNKNOWN
        attempt.save(update_fields=["outcome", "unconfirmed_since"])
        job.submit_failures += 1
        job.current_stage = Stage.SUBMISSION_UNCONFIRMED.value
        job.waiting_for = f"Waiting to learn whether the GPU cluster took the job: {why}"[:500]
        job.next_attempt_at = job.next_poll_at = retry_at(now, failures=job.submit_failures)
        job.save()
        can_find_out = gate.known(job.cluster).features & {"idempotent_submit", "lookup"}
        if not can_find_out and attempt.unconfirmed_since + UNCONFIRMED_FOR <= now:
            finish.fail(job, attempt, ErrorCode.SUBMISSION_UNCONFIRMED, detail=why, now=now)


def is_settled(attempt: JobAttempt) -> bool:
    """Whether a listing that lacks the attempt proves that the cluster never took it."""
    return attempt.sent_at + SETTLE_FOR <= timezone.now()


def accepted(lease: lifecycle.Lease, external_id: str) -> None:
    """Store the cluster's acceptance. A job that was cancelled meanwhile stays `cancelling`: now it can be stopped."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        attempt = job.attempts.get(number=job.attempt)
        taken = TrainingJob.objects.filter(cluster=job.cluster, external_job_id=external_id).exclude(pk=job.pk)
        if taken.exists():
            message = f"The cluster answered with the id of another job ({external_id[:100]})."
            finish.fail(job, attempt, ErrorCode.REJECTED, detail=message, now=now)
            return
        attempt.outcome = SubmitOutcome.ACCEPTED
        attempt.external_job_id = external_id
        attempt.submitted_at = now
        attempt.unconfirmed_since = None
        attempt.last_seen_at = now
        attempt.save()
        job.external_job_id = external_id
        job.submit_failures = 0
        job.waiting_for = ""
        job.next_poll_at = now
        job.current_stage = Stage.INITIALIZING.value
        job.save()
        JobLog.objects.get_or_create(job=job, defaults={"owner_id": job.owner_id})
        if job.status == Status.QUEUED:
            lifecycle.transition(
                job,
                Status.INITIALIZING,
                actor=lifecycle.CLUSTER,
                message="The cluster accepted the job.",
                detail={"external_job_id": external_id},
            )
    logger.info("Job %s submitted to GPU cluster: %s", job.short_id, external_id)
