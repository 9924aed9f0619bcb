"""What a job will have cost at its end, if it goes on as it does. Pure but for the row it is asked of."""

from datetime import datetime
from decimal import Decimal

from jobs import budget, costs
from jobs.models import TrainingJob


def projected_cost(job: TrainingJob, *, heard_at: datetime | None) -> Decimal | None:
    """Dollars so far, as of the cluster's last word, and those of the time that is left by its ETA. None where the end
    is not foreseen or the GPU has no price."""
    rate = budget.rate(job.gpu_price_per_hour, job.gpu_config["count"])
    if rate is None or heard_at is None or job.estimated_completion_at is None or job.is_terminal:
        return None
    left = max(0.0, (job.estimated_completion_at - heard_at).total_seconds())
    return (job.current_cost + rate.dollars(left)).quantize(costs.CENT)
