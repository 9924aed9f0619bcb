"""What a job's attempts cost together."""

from decimal import Decimal

from django.db.models import Sum

from jobs import costs
from jobs.models import TrainingJob


def spent(job: TrainingJob, *, before: int | None = None) -> Decimal:
    """Dollars of the job's attempts; with `before` of those with a lower number."""
    attempts = job.attempts.all() if before is None else job.attempts.filter(number__lt=before)
    return costs.cents(attempts.aggregate(total=Sum("cost"))["total"])
