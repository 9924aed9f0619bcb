"""Keeping the cost of a job true while it runs, and settling it when it ends."""

from datetime import datetime
from decimal import Decimal

from jobs import costs, lifecycle, spending
from jobs.clusters.base import ENDED_STATES, Status
from jobs.models import CostRecord, JobAttempt, TrainingJob


def update(job: TrainingJob, attempt: JobAttempt, status: Status | None, *, seen_until: datetime | None) -> None:
    """Bring the attempt's billable time and the job's current cost up to date; the caller saves both.

    `status` is the cluster's newest report, None without one. `seen_until` is how far our own clock counts
    where the cluster gives no figures. A figure is final once its job has ended or its GPUs are free, whatever a
    cluster says.
    """
    has_ended = status is not None and (status.state in ENDED_STATES or status.released_at is not None)
    billing = status.billing if status else None
    time = costs.billable_time(
        billed_seconds=billing.billable_seconds if billing else None,
        billing_final=billing.final if billing else False,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at if has_ended else None,
        heartbeat_at=attempt.heartbeat_at,
        seen_running_at=attempt.first_seen_running_at,
        seen_until=seen_until,
    )
    if billing is None and attempt.billing_source == "cluster":
        return  # an answer without a figure does not undo the figure that we have
    attempt.billable_seconds = time.seconds
    attempt.billing_source = time.source
    attempt.billing_final = time.final and has_ended
    attempt.cost = costs.amount(
        price_per_hour=job.gpu_price_per_hour,
        gpu_count=job.gpu_config["count"],
        billable_seconds=time.seconds,
    )
    job.cost_is_estimate = time.is_estimate or _was_guessed(job)
    job.current_cost = max(job.current_cost, earlier(job) + attempt.cost)


def close(job: TrainingJob, attempt: JobAttempt, *, now: datetime) -> None:
    """Write what an ended attempt cost; the job's cost so far does not fall. The caller saves the job."""
    attempt.billing_final = True
    attempt.save()
    if attempt.billable_seconds > 0 or attempt.first_seen_running_at or attempt.started_at:
        CostRecord.objects.get_or_create(
            job=job,
            attempt=attempt.number,
            cost_type="training_compute",
            defaults={
                "owner_id": job.owner_id,
                "amount": attempt.cost,
                "details": {
                    "gpu_type": job.gpu_config["type"],
                    "gpu_count": job.gpu_config["count"],
                    "billable_seconds": attempt.billable_seconds,
                    "rate": float(job.gpu_price_per_hour) if job.gpu_price_per_hour is not None else None,
                    "priced": job.gpu_price_per_hour is not None,
                    "billing_source": attempt.billing_source,
                },
                "period_start": attempt.started_at or attempt.first_seen_running_at,
                "period_end": attempt.ended_at or now,
                "recorded_at": now,
            },
        )
    job.current_cost = max(job.current_cost, earlier(job) + attempt.cost)


def settle(job: TrainingJob, attempt: JobAttempt, *, now: datetime) -> None:
    """Write what a job's last attempt cost, and its final cost; the caller saves both rows."""
    close(job, attempt, now=now)
    lifecycle.settle_cost(job)


def earlier(job: TrainingJob) -> Decimal:
    """What earlier attempts of this job cost."""
    return Decimal("0.00") if job.attempt == 1 else spending.spent(job, before=job.attempt)


def _was_guessed(job: TrainingJob) -> bool:
    """Whether the billable time of an earlier attempt is by our own clock."""
    if job.attempt == 1:
        return False
    return job.attempts.filter(number__lt=job.attempt, billing_source="observed", billable_seconds__gt=0).exists()
