"""Watching a run for its owner: its budget. Called with each report of a run that goes on."""

from django.conf import settings

from jobs import budget, lifecycle
from jobs.clusters.base import Capabilities
from jobs.models import TrainingJob
from jobs.reasons import ErrorCode
from jobs.states import CANCELLABLE


def look(job: TrainingJob, capabilities: Capabilities) -> None:
    """Warn about what the job has become, or ask for its end. The caller holds the row and saves it."""
    if job.status in CANCELLABLE:
        _look_at_budget(job, capabilities)


def _look_at_budget(job: TrainingJob, capabilities: Capabilities) -> None:
    rate = budget.rate(job.gpu_price_per_hour, job.gpu_config["count"])
    if job.max_cost is None or rate is None:
        return
    match budget.verdict(job.current_cost, job.max_cost, rate, look_every_s=settings.POLL_INTERVAL_SECONDS):
        case "warn":
            message = f"Over 80 % of the budget of ${job.max_cost} is used."
            lifecycle.warn(job, "budget_warning", message, actor=lifecycle.SYSTEM)
        case "stop":
            message = f"The budget of ${job.max_cost} is used: ${job.current_cost} when the stop was asked for."
            lifecycle.warn(job, "budget_reached", message, actor=lifecycle.SYSTEM, instead_of={"budget_warning"})
            stop(job, ErrorCode.BUDGET_REACHED, message, capabilities)


def stop(job: TrainingJob, code: ErrorCode, why: str, capabilities: Capabilities) -> None:
    """Ask for the job's end on the system's own account; what it learned is kept where its cluster can do that."""
    keep = capabilities.keeps_adapters
    lifecycle.request_cancel(
        job,
        actor=lifecycle.SYSTEM,
        keep_adapter=keep,
        message=f"The job is being stopped{', its adapter kept' if keep else ''}. {why}",
        stop=(code, why),
    )
