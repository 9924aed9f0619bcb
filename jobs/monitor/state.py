"""The first state of one job's page; from there the script follows the API."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from jobs import budget, presets, selectors, sentinel, summary
from jobs.models import Cluster, ModelArtifact, TrainingJob
from jobs.models.run import ArtifactStatus
from jobs.monitor import adapter, blame, cancelling, checkpoints, comparison, timeline
from jobs.monitor.standing import standing
from jobs.reasons import REASONS, Retry, error_code
from jobs.states import CANCELLABLE, Status
from jobs.templatetags import figures

RETRY_RULES = {
    Retry.NEVER: "The same again would end the same way: change something first.",
    Retry.AUTOMATIC: "A job that ends like this is started again by itself at first, where its cluster allows that.",
}
# What may change where training goes on: the weights stay the same shape.
CHANGED_ON_RESUME = ("epochs", "max_steps", "learning_rate")


def first_state(job: TrainingJob, *, now: datetime) -> dict[str, Any]:
    """The context of jobs/detail.html for a job that the reader may see."""
    artifact = ModelArtifact.objects.filter(job=job).first()  # whole: a job is read with its artifact's status alone
    told = summary.read(artifact.training_summary if artifact else None)
    events, saved = list(selectors.job_events(job)), checkpoints.newest_first(job)
    standing_now = standing(job, events, now=now)
    return {
        "job": job,
        "attempts": timeline.attempts(job, events),
        "log": getattr(job, "log", None),
        "retries": selectors.job_retries(job),
        "checkpoints": saved,
        "artifact": artifact,
        "adapter_ready": artifact is not None and artifact.status == ArtifactStatus.READY and bool(artifact.files),
        "usage": adapter.usage(job),
        "summary": told,
        "comparison": comparison.lines(job),
        "trains_on_cpu": "CPU" in job.gpu_config["type"].upper(),
        **standing_now,
        **_progress(job, now),
        **_costs(job, standing_now["projected_cost"]),
        **_ending(job, saved),
        **_configuration(job),
    }


def _progress(job: TrainingJob, now: datetime) -> dict[str, Any]:
    return {
        "is_waiting": job.status in {Status.QUEUED, Status.INITIALIZING},
        "stage_text": job.stage_detail,
        "epoch": _of(job.current_epoch, job.total_epochs),
        "step": _of(job.current_step, job.total_steps),
        "eta_seconds": _seconds_left(job, now),
    }


def _costs(job: TrainingJob, projected: Decimal | None) -> dict[str, Any]:
    price = job.gpu_price_per_hour
    cost = job.current_cost if job.final_cost is None else job.final_cost
    return {
        "cost": cost,
        "cost_note": _cost_note(job, projected),
        "budget_is_low": job.max_cost is not None and cost >= job.max_cost * budget.WARN_AT,
        "price_per_hour": None if price is None else price * job.gpu_config["count"],
    }


def _ending(job: TrainingJob, saved: Sequence[checkpoints.Saved]) -> dict[str, Any]:
    """How it can be stopped, or why it failed."""
    reason = REASONS[error_code(job.error_code)] if job.status == Status.FAILED or job.error_code else None
    can_keep = _keeps_adapters(job.cluster) if job.status in CANCELLABLE else False
    return {
        "can_cancel": job.status in CANCELLABLE,
        "terms": cancelling.terms(job, can_keep=can_keep, newest=saved[0].step if saved else None),
        "failed_phase": blame.phase(job),
        "side": blame.SIDES[reason.side] if reason else "",
        "who_acts": blame.WHO_ACTS[reason.side] if reason else "",
        "advice": reason.advice if reason else "",
        "retry_is_futile": reason is not None and reason.retry is Retry.NEVER,
        "retry_rule": RETRY_RULES.get(reason.retry, "") if reason else "",
    }


def _configuration(job: TrainingJob) -> dict[str, Any]:
    changed = [(presets.FIELDS[name], job.hyperparameters.get(name)) for name in CHANGED_ON_RESUME]
    return {
        "preset_label": presets.PRESETS[job.preset].label if job.preset in presets.PRESETS else job.preset,
        "hyperparameters": _labelled(job.hyperparameters),
        "sentinel_rules": [
            (sentinel.LABELS[kind][0], sentinel.ACTIONS[action])
            for kind, action in sentinel.in_force(job.sentinel).items()
        ],
        "effective_batch_size": presets.effective_batch_size(job.hyperparameters, job.gpu_config["count"]),
        "changed_on_resume": [(field, field.default if value is None else value) for field, value in changed],
    }


def _keeps_adapters(cluster: str) -> bool:
    known = Cluster.objects.filter(name=cluster).first()
    return known is not None and known.capabilities.keeps_adapters


def _of(current: int, total: int) -> str:
    """ "3 of 9"; a total of 0 is not known yet."""
    return f"{current:,} of {total:,}" if total else figures.ABSENT


def _seconds_left(job: TrainingJob, now: datetime) -> float | None:
    if job.estimated_completion_at is None or job.is_terminal:
        return None
    return (job.estimated_completion_at - now).total_seconds()


def _cost_note(job: TrainingJob, projected: Decimal | None) -> str:
    if job.gpu_price_per_hour is None:
        return "no price listed for this GPU"
    if job.final_cost is not None:
        return "final, by our own clock" if job.cost_is_estimate else "final"
    known = [(projected, "about {} at the end"), (job.estimated_total_cost, "estimated {}")]
    told = [text.format(figures.dollars(amount)) for amount, text in known if amount is not None]
    return ", ".join(told) or "so far"


def _labelled(hyperparameters: dict[str, Any]) -> list[tuple[str, Any]]:
    """Label and value, known ones in the form's order; one that is no longer known keeps its name."""
    known = [
        (field.label, field.shown(hyperparameters[name]))
        for name, field in presets.FIELDS.items()
        if name in hyperparameters
    ]
    return known + [(name, value) for name, value in hyperparameters.items() if name not in presets.FIELDS]
