"""What an event tells its owner: nothing, or a notice with its words, weight and link. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

Priority = Literal["low", "medium", "high"]

# What watching a run finds: the warning's code -> type, title and weight.
WATCHED: dict[str, tuple[str, str, Priority]] = {
    "budget_warning": ("budget", "{job} has used over 80 % of its budget", "medium"),
    "budget_reached": ("budget", "The budget of {job} is used", "high"),
    "sentinel_nan": ("nan_loss", "The loss of {job} is no number any more", "high"),
    "sentinel_zero": ("zero_loss", "The loss of {job} is exactly zero", "high"),
    "sentinel_spike": ("spike", "The loss of {job} jumped", "medium"),
    "sentinel_divergence": ("diverged", "The loss of {job} gets worse", "high"),
    "sentinel_no_progress": ("stall", "{job} stands still", "high"),
    "sentinel_no_heartbeat": ("stall", "{job} gives no sign of life", "high"),
}
STOPPING = "The job is being stopped; what it has learned is kept where the cluster can do that."

NAME_SHOWN = 80  # a job's name may have 200 characters, a title must hold more than the name

# What operators have to know, by the alert's kind.
ALERTS = {
    "cluster_closed": "A GPU cluster is not used for now",
    "cluster_back": "A GPU cluster is used again",
    "orphan_stopped": "A forgotten cluster job was stopped",
    "orphan_found": "A cluster job that nobody knows was found",
}


@dataclass(frozen=True)
class Notice:
    """Words for a person. `action_url` is a path of this site or empty."""

    type: str
    title: str
    message: str
    priority: Priority
    action_url: str


def job_notice(
    *,
    job_id: object,
    name: str,
    kind: str,
    to_status: str,
    message: str,
    detail: dict[str, Any],
    reason: str = "",
    advice: str = "",
) -> Notice | None:
    """The notice for a line of a job's timeline. `reason` and `advice` say why it failed, or was stopped, and what to
    do.
    """
    job = f"“{_shortened(name)}”"
    url = f"/training/jobs/{job_id}"
    if kind == "artifact" and detail.get("state") == "ready":
        text = "Its files are in storage. Download them, or serve the adapter."
        return Notice("artifact_ready", f"The adapter of {job} is ready", text, "high", url)
    if kind == "warning" and detail.get("code") in WATCHED:
        type_, title, priority = WATCHED[detail["code"]]
        text = f"{message} {STOPPING}" if detail.get("stops") else message
        return Notice(type_, title.format(job=job), text, priority, url)
    if kind != "status":
        return None
    match to_status:
        case "queued" if detail.get("attempt", 1) > 1:
            return Notice("job_queued", f"Training job {job} is started again", message, "medium", url)
        case "queued":
            return Notice("job_queued", f"Training job {job} is queued", message, "low", url)
        case "running":
            return Notice("job_started", f"Training job {job} is running", message, "medium", url)
        case "completed":
            return Notice("job_completed", f"Training job {job} is completed", message, "high", url)
        case "failed":
            text = " ".join(dict.fromkeys(_sentence(part) for part in (reason, advice) if part)) or message
            return Notice("job_failed", f"Training job {job} failed", text[:1000], "high", url)
        case "cancelled":
            text = " ".join(_sentence(part) for part in (message, advice) if part)
            return Notice("job_cancelled", f"Training job {job} is cancelled", text[:1000], "medium", url)
        case _:
            return None


def _sentence(text: str) -> str:
    """A cluster's words may end without a full stop; ours go on behind them."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def dataset_notice(*, dataset_id: object, name: str, kind: str, message: str) -> Notice | None:
    """The notice for an event of a dataset."""
    dataset = f"“{_shortened(name)}”"
    url = f"/datasets/{dataset_id}"
    match kind:
        case "ready":
            return Notice("dataset_ready", f"Dataset {dataset} is ready for training", message, "medium", url)
        case "error":
            return Notice("dataset_error", f"Dataset {dataset} has errors", message, "high", url)
        case _:
            return None


def alert_notice(*, alert_id: object, kind: str, subject: str, message: str) -> Notice:
    """The notice for an alert, to each operator."""
    title = ALERTS.get(kind) or kind.replace("_", " ").capitalize()
    return Notice("alert", f"{title}: {_shortened(subject)}", message, "high", f"/admin/jobs/alert/{alert_id}/change/")


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_SHOWN else f"{name[: NAME_SHOWN - 1]}…"
