"""What became of a submission: the cluster has the job, refused it, or nobody knows."""

import logging
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Installation, JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reasons import ErrorCode
from jobs.reconcile import finish, gate, resubmission
from jobs.reconcile.backoff import LONGEST_SECONDS_OF_A_CANCEL, retry_at
from jobs.states import Stage, Status

logger = logging.getLogger(__name__)

# Outcomes that leave open which cluster job exists, as long as no id is known.
OPEN = frozenset({SubmitOutcome.SENDING, SubmitOutcome.UNKNOWN, SubmitOutcome.ACCEPTED})
# How long the silence of a cluster that cannot be asked may last before the job fails and a person has to look.
UNCONFIRMED_FOR = timedelta(minutes=15)
# A submission that a cluster took shows up in its listing within this time: the longest call, and some more.
SETTLE_FOR = timedelta(seconds=80)


def find(door: gate.Gate, attempt: JobAttempt) -> str | None:
    """The cluster's id for this attempt, where it lists one that is ours. Raises ClusterError."""
    if not door.capabilities.has("lookup"):
        return None
    installation, _ = Installation.objects.get_or_create(singleton=True)
    ours = str(installation.pk)
    others = set(_others(attempt).values_list("external_job_id", flat=True))
    for known in door.cluster.find(str(attempt.job_id)):
        if known.external_job_id in others:
            continue  # a cluster that does not number attempts lists earlier ones alike
        if known.attempt in (None, attempt.number) and known.labels.get("installation", ours) == ours:
            return known.external_job_id
    return None


def is_settled(attempt: JobAttempt) -> bool:
    """Whether a listing that lacks the attempt proves that the cluster never took it."""
    return attempt.sent_at + SETTLE_FOR <= timezone.now()


def accepted(lease: lifecycle.Lease, external_id: str) -> None:
    """Store the cluster's acceptance. A job that was cancelled meanwhile stays `cancelling`: now it can be stopped."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        attempt = job.attempts.select_related("resume_from").get(number=job.attempt)
        taken = TrainingJob.objects.filter(cluster=job.cluster, external_job_id=external_id).exclude(pk=job.pk)
        if taken.exists() or _others(attempt).filter(external_job_id=external_id).exists():
            attempt.outcome = SubmitOutcome.UNKNOWN
            message = f"The cluster answered with the id of another job, or attempt ({external_id[:100]})."
            finish.fail(job, attempt, ErrorCode.SUBMISSION_UNCONFIRMED, detail=message, now=now)
            return
        attempt.outcome = SubmitOutcome.ACCEPTED
        attempt.external_job_id = external_id
        attempt.submitted_at = attempt.submitted_at or now
        attempt.unconfirmed_since = None
        attempt.last_seen_at = now
        attempt.save()
        job.external_job_id = external_id
        if attempt.number > 1 and job.status == Status.QUEUED:
            resubmission.rewind(job, attempt.resume_from)  # a newer checkpoint may have come home meanwhile
        job.submit_failures = 0
        job.waiting_for = ""
        job.next_poll_at = now
        job.cluster_result, job.cluster_ended_at = "", None
        job.current_stage = Stage.INITIALIZING.value
        job.save()
        if job.status == Status.QUEUED:
            lifecycle.transition(
                job,
                Status.INITIALIZING,
                actor=lifecycle.CLUSTER,
                message=_acceptance(attempt),
                detail={"external_job_id": external_id},
            )
    logger.info("Job %s submitted to GPU cluster: %s", job.short_id, external_id)


def _acceptance(attempt: JobAttempt) -> str:
    if attempt.number == 1:
        return "The cluster accepted the job."
    start = f"step {attempt.resume_from.step}" if attempt.resume_from else "the beginning"
    return f"The cluster accepted the job again: attempt {attempt.number}, from {start}."


def refused(lease: lifecycle.Lease, why: str) -> None:
    """The cluster will never take the job: it failed, or, where that is what the user wants, is cancelled."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        attempt = job.attempts.get(number=job.attempt)
        attempt.outcome = SubmitOutcome.NOT_SENT
        if job.status == Status.CANCELLING:
            finish.never_started(job, attempt, now=now)
        else:
            finish.fail(job, attempt, ErrorCode.REJECTED, detail=why, now=now)


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
        job.current_stage = Stage.SUBMISSION_UNCONFIRMED.value
        job.waiting_for = f"Waiting to learn whether the GPU cluster took the job: {why}"[:500]
        if job.status == Status.CANCELLING:
            job.poll_failures += 1  # the pace of a cancel, which its repetitions keep to
            next_try = retry_at(now, failures=job.poll_failures, longest_s=LONGEST_SECONDS_OF_A_CANCEL)
        else:
            job.submit_failures += 1
            next_try = retry_at(now, failures=job.submit_failures)
        if not _can_be_found_out(job):
            next_try = min(next_try, attempt.unconfirmed_since + UNCONFIRMED_FOR)
        job.next_attempt_at = job.next_poll_at = next_try
        job.save()
        give_up_where_overdue(job, why, now=now)


def _others(attempt: JobAttempt) -> QuerySet[JobAttempt]:
    """The job's other attempts."""
    return JobAttempt.objects.filter(job_id=attempt.job_id).exclude(pk=attempt.pk)


def give_up_where_overdue(job: TrainingJob, why: str, *, now: datetime) -> None:
    """Fail a job of whose submission nothing was heard for too long, where only a person can find out more.

    The caller holds the row.
    """
    attempt = job.attempts.filter(number=job.attempt, unconfirmed_since__lte=now - UNCONFIRMED_FOR).first()
    if attempt is not None and not _can_be_found_out(job):
        finish.fail(job, attempt, ErrorCode.SUBMISSION_UNCONFIRMED, detail=why, now=now)


def _can_be_found_out(job: TrainingJob) -> bool:
    """Whether asking the cluster can tell what an unanswered submission did. Who cancels does not submit again."""
    ways = {"lookup"} if job.status == Status.CANCELLING else {"lookup", "idempotent_submit"}
    return bool(ways & gate.known(job.cluster).features)
