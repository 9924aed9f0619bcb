"""Starting a job again whose machine was lost or taken away: as its next attempt, from its newest checkpoint.

Only where the cluster itself says that the attempt failed, for a reason whose rule is to try again, and only
where it can tell attempts apart (`idempotent_submit`): a job that is merely lost may still run somewhere.
"""

import logging
from datetime import datetime

from django.conf import settings

from jobs import budget, lifecycle, resumption
from jobs.clusters.base import Capabilities
from jobs.models import Checkpoint, JobAttempt, TrainingJob
from jobs.reasons import REASONS, ErrorCode, Retry
from jobs.reconcile import billing
from jobs.reconcile.backoff import retry_at
from jobs.states import Stage, Status

logger = logging.getLogger(__name__)

# What broke may be broken for a while; the last checkpoint may still be on its way into storage.
FIRST_WAIT_SECONDS = 30.0
WHAT_HAPPENED = {
    ErrorCode.NODE_LOST: "The machine was lost",
    ErrorCode.PREEMPTED: "The cluster took the GPUs away for other work",
}


def is_due(job: TrainingJob, code: ErrorCode, capabilities: Capabilities) -> bool:
    """Whether a job whose attempt failed for that reason is started again. Who cancels wants no other attempt."""
    return (
        REASONS[code].retry is Retry.AUTOMATIC
        and job.status in {Status.INITIALIZING, Status.RUNNING}
        and job.attempt <= settings.JOB_AUTOMATIC_RESUBMISSIONS
        and capabilities.has("idempotent_submit")
        and not _is_budget_used(job)
    )


def start_again(
    job: TrainingJob, attempt: JobAttempt, code: ErrorCode, *, detail: str, capabilities: Capabilities, now: datetime
) -> None:
    """Close the attempt, which is billed, and queue the job for its next one. The caller holds and saves both rows."""
    attempt.end_reason = attempt.end_reason or code.value
    billing.close(job, attempt, now=now)
    following = job.attempt + 1
    checkpoint = resumption.starting_point(job, following, capabilities)
    plan = f"going on from step {checkpoint.step}" if checkpoint else "starting from the beginning"
    of = 1 + max(settings.JOB_AUTOMATIC_RESUBMISSIONS, job.attempt)
    message = f"{WHAT_HAPPENED.get(code, 'The attempt failed')}; {plan} (attempt {following} of {of})."
    rewind(job, checkpoint)
    lifecycle.transition(
        job,
        Status.QUEUED,
        actor=lifecycle.SYSTEM,
        message=message,
        detail={
            "code": code.value,
            "attempt": following,
            "step": checkpoint.step if checkpoint else 0,
            "reason": detail[:500],
        },
        attempt=following,
        current_stage=Stage.QUEUED.value,
        stage_detail="",
        stage_progress=None,
        estimated_completion_at=None,
        waiting_for=message,
        submission_key="",
        external_job_id="",
        missing_since=None,
        submit_failures=0,
        poll_failures=0,
        next_attempt_at=retry_at(now, failures=job.attempt, first_s=FIRST_WAIT_SECONDS),
        next_poll_at=now,
    )
    logger.warning("Job %s is started again: %s", job.short_id, message)


def _is_budget_used(job: TrainingJob) -> bool:
    rate = budget.rate(job.gpu_price_per_hour, job.gpu_config["count"])
    if job.max_cost is None or rate is None:
        return False
    return budget.verdict(job.current_cost, job.max_cost, rate, look_every_s=0) == "stop"


def rewind(job: TrainingJob, checkpoint: Checkpoint | None) -> None:
    """Show a job as far as its next attempt begins. What it was shown beyond that will be trained again."""
    step = checkpoint.step if checkpoint else 0
    job.current_step = step
    job.current_epoch = int(checkpoint.epoch or 0) if checkpoint else 0
    job.progress = min(100.0 * step / job.total_steps, 100.0) if job.total_steps else 0.0
