"""Watching a run for its owner: its budget and its loss. Called with each report of a run that goes on.

Whatever is found is an event and a warning of the job. Where the job's rules want its end, it is asked for as a user
would do it; what the run has learned is kept where its cluster can do that.
"""

import math
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from jobs import budget, lifecycle, sentinel
from jobs.clusters.base import ENDED_STATES, Capabilities, Point, Polled, Status
from jobs.models import JobAttempt, TrainingJob
from jobs.reasons import ErrorCode
from jobs.sentinel import Action, Finding, Kind
from jobs.states import CANCELLABLE, Stage

REASON_OF = {
    Kind.NAN: ErrorCode.NAN_LOSS,
    Kind.ZERO: ErrorCode.ZERO_LOSS,
    Kind.SPIKE: ErrorCode.DIVERGED,
    Kind.DIVERGENCE: ErrorCode.DIVERGED,
    Kind.NO_PROGRESS: ErrorCode.STALLED,
    Kind.NO_HEARTBEAT: ErrorCode.STALLED,
}
# In which no step is to be expected; a stage of the cluster's own may be one in which it trains.
NOT_TRAINING = frozenset(Stage) - {Stage.TRAINING}


def look_at_points(job: TrainingJob, attempt: JobAttempt, polled: Polled, capabilities: Capabilities) -> None:
    """Judge new points, page by page. A run that failed says itself what went wrong."""
    if not _is_watched(job) or polled.status.state in ENDED_STATES - {"completed"}:
        return
    new = [loss for point in polled.points if (loss := _loss(point)) is not None]
    if not new:
        return
    memory = sentinel.Memory.read(attempt.sentinel_state)
    findings = sentinel.losses(memory, new)
    attempt.sentinel_state = memory.as_json()
    for finding in findings:
        _tell(job, finding, capabilities, has_ended=polled.status.state in ENDED_STATES)


def look(job: TrainingJob, attempt: JobAttempt, status: Status, capabilities: Capabilities, *, now: datetime) -> None:
    """Judge what it cost so far and whether it moves. The caller holds both rows and saves them."""
    if not _is_watched(job):
        return
    if status.state == "running":
        memory = sentinel.Memory.read(attempt.sentinel_state)
        memory.resumed(attempt.restart)
        findings = (
            sentinel.progress(
                memory,
                now=now,
                step=status.current_step,
                trains=status.stage not in NOT_TRAINING,
                log_every=int(job.hyperparameters.get("logging_steps", 1)),
            ),
            sentinel.heartbeat(memory, now=now, beat=status.heartbeat_at) if capabilities.has("heartbeat") else None,
        )
        attempt.sentinel_state = memory.as_json()
        for finding in filter(None, findings):
            _tell(job, finding, capabilities)
    _look_at_budget(job, capabilities)


def _loss(point: Point) -> sentinel.Loss | None:
    """The training loss of a point. An evaluation's that is no number may be due to a few odd examples."""
    value = math.nan if "training_loss" in point.nonfinite else point.values.get("training_loss")
    return None if value is None else sentinel.Loss(point.restart, point.step, value)


def _is_watched(job: TrainingJob) -> bool:
    return job.status in CANCELLABLE and not job.cluster_result


def _tell(job: TrainingJob, finding: Finding, capabilities: Capabilities, *, has_ended: bool = False) -> None:
    """Note a finding, and stop the job, as its rules say. A later restart's finding takes an earlier one's place."""
    action = sentinel.in_force(job.sentinel)[finding.kind]
    if action is Action.OFF:
        return
    code = f"sentinel_{finding.kind}"
    stops = action is Action.STOP_AND_KEEP and not has_ended
    lifecycle.warn(
        job,
        code,
        finding.message,
        actor=lifecycle.SYSTEM,
        detail={"step": finding.step, "stops": stops},
        instead_of={code},
    )
    if stops:
        _stop(job, REASON_OF[finding.kind], finding.message, capabilities)


def _look_at_budget(job: TrainingJob, capabilities: Capabilities) -> None:
    rate = budget.rate(job.gpu_price_per_hour, job.gpu_config["count"])
    if job.max_cost is None or rate is None or not _is_watched(job):
        return
    match budget.verdict(job.current_cost, job.max_cost, rate, look_every_s=settings.POLL_INTERVAL_SECONDS):
        case "warn":
            message = f"Over 80 % of the budget of ${job.max_cost} is used."
            lifecycle.warn(job, "budget_warning", message, actor=lifecycle.SYSTEM)
        case "stop":
            message = f"The job was at ${job.current_cost}: {_why_now(job.current_cost, job.max_cost)}"
            lifecycle.warn(
                job,
                "budget_reached",
                message,
                actor=lifecycle.SYSTEM,
                detail={"stops": True},
                instead_of={"budget_warning"},
            )
            _stop(job, ErrorCode.BUDGET_REACHED, message, capabilities)


def _why_now(spent: Decimal, limit: Decimal) -> str:
    if spent >= limit:
        return f"its budget of ${limit} is used."
    return f"the rest of its budget of ${limit} is what stopping it may cost."


def _stop(job: TrainingJob, code: ErrorCode, why: str, capabilities: Capabilities) -> None:
    """Ask for the job's end on the system's own account."""
    keep = capabilities.keeps_adapters
    lifecycle.request_cancel(
        job,
        actor=lifecycle.SYSTEM,
        keep_adapter=keep,
        message=f"The job is being stopped{', its adapter kept' if keep else ''}. {why}",
        stop=(code, why),
    )
