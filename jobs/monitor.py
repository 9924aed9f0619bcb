"""What the monitor shows before its script takes over: the first state of one job's page."""

from datetime import datetime
from typing import Any

from jobs import presets, selectors
from jobs.models import TrainingJob
from jobs.states import ADVICE, CANCELLABLE, Side, Status, error_code
from jobs.templatetags import figures

SIDES = {
    Side.DATA: "the data",
    Side.SETTINGS: "the settings",
    Side.CLUSTER: "the cluster",
    Side.US: "this installation",
}


def first_state(job: TrainingJob, *, now: datetime) -> dict[str, Any]:
    """The context of jobs/detail.html for a job that the reader may see."""
    price = job.gpu_price_per_hour
    side, advice = ADVICE[error_code(job.error_code)] if job.status == Status.FAILED else (None, "")
    return {
        "job": job,
        "can_cancel": job.status in CANCELLABLE,
        "epoch": _of(job.current_epoch, job.total_epochs),
        "step": _of(job.current_step, job.total_steps),
        "eta_seconds": _seconds_left(job, now),
        "cost": job.current_cost if job.final_cost is None else job.final_cost,
        "cost_note": _cost_note(job),
        "side": SIDES.get(side) if side else "",
        "advice": advice,
        "artifact": getattr(job, "artifact", None),
        "events": selectors.job_events(job),
        "log": getattr(job, "log", None),
        "preset_label": presets.PRESETS[job.preset].label if job.preset in presets.PRESETS else job.preset,
        "hyperparameters": _labelled(job.hyperparameters),
        "effective_batch_size": presets.effective_batch_size(job.hyperparameters, job.gpu_config["count"]),
        "price_per_hour": None if price is None else price * job.gpu_config["count"],
    }


def _of(current: int, total: int) -> str:
    """ "3 of 9"; a total of 0 is not known yet."""
    return f"{current:,} of {total:,}" if total else figures.ABSENT


def _seconds_left(job: TrainingJob, now: datetime) -> float | None:
    if job.estimated_completion_at is None or job.is_terminal:
        return None
    return (job.estimated_completion_at - now).total_seconds()


def _cost_note(job: TrainingJob) -> str:
    if job.gpu_price_per_hour is None:
        return "no price listed for this GPU"
    if job.final_cost is not None:
        return "final, by our own clock" if job.cost_is_estimate else "final"
    if job.estimated_total_cost is None:
        return "so far"
    return f"of about {figures.dollars(job.estimated_total_cost)}"


def _labelled(hyperparameters: dict[str, Any]) -> list[tuple[str, Any]]:
    """Label and value, known ones in the form's order; one that is no longer known keeps its name."""
    known = [(field.label, hyperparameters[name]) for name, field in presets.FIELDS.items() if name in hyperparameters]
    return known + [(name, value) for name, value in hyperparameters.items() if name not in presets.FIELDS]
