"""A job, its points and its lines as the contract's JSON. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from gpu_node.clock import iso
from gpu_node.executor import LogLine, Page, Point, SavedCheckpoint, Sight
from gpu_node.jobs import Job, Phase, Status, Transition
from gpu_node.provisioning import Progress

METRICS = (
    "training_loss",
    "validation_loss",
    "learning_rate",
    "throughput",
    "gpu_utilization",
    "gradient_norm",
    "gpu_memory",
)

DETAIL_OF_PHASE = {
    Phase.WAITING: "Waiting for free GPUs",
    Phase.PREPARING: "Fetching the data",
    Phase.DELIVERING: "Bringing the files to storage",
}


def stage_of(job: Job, sight: Sight | None, provisioning: Progress | None) -> str:
    """Where inside its status the job is, in the words of the contract."""
    match job.phase:
        case Phase.PROVISIONING:
            return provisioning.stage if provisioning else "initializing"
        case Phase.WAITING:
            return "queued_on_gpu"
        case Phase.PREPARING:
            return "preprocessing" if job.fetching else "initializing"
        case Phase.DELIVERING:
            return "uploading"
        case Phase.ENDED if job.status is Status.COMPLETED:
            return "completed"
    if sight is not None:
        return sight.stage
    return "initializing" if job.started_at is not None else "queued_on_gpu"


def level_1_status(
    job: Job, sight: Sight | None, provisioning: Progress | None, *, simulated: bool
) -> dict[str, Any]:
    """What `GET /training/status/{id}` says at level 1."""
    status = Status.RUNNING if job.status is Status.CANCELLING else job.status
    return {
        "external_job_id": job.external_id,
        "job_id": job.spec.job_id,
        "status": status,
        **_progress(job, sight, provisioning),
        "error_message": _error(job)[1],
        "simulated": simulated,
    }


def level_2_status(
    job: Job,
    sight: Sight | None,
    provisioning: Progress | None,
    now: float,
    *,
    simulated: bool,
    checkpoints: int,
) -> dict[str, Any]:
    """Everything level 2 tells about a job; `checkpoints` is how many a resume could use."""
    code, message = _error(job)
    restart = sight.restart if sight else 0
    transitions = _transitions(job, sight)
    alive = sight.heartbeat_at if sight else (now if job.started_at is not None else None)
    delivering = job.phase is Phase.DELIVERING
    return {
        "external_job_id": job.external_id,
        "job_id": job.spec.job_id,
        "attempt": job.spec.attempt,
        "status": job.status,
        **_progress(job, sight, provisioning),
        **_detail(job, sight, provisioning),
        "checkpoints": checkpoints,
        "total_epochs": sight.total_epochs if sight else None,
        "total_steps": sight.total_steps if sight else None,
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at),
        "ended_at": iso(job.ended_at),
        "released_at": iso(job.released_at),
        "billing": {
            "billable_seconds": round(job.billable_seconds(now), 3),
            "gpu_count": job.spec.gpu_count,
            "final": job.released_at is not None,
        },
        "heartbeat_at": iso(job.ended_at or (now if delivering else alive)),
        "state_seq": len(transitions),
        "restart": restart,
        "transitions": [
            {"state": change.state, "at": iso(change.at), "reason": change.reason} for change in transitions
        ],
        "eta_seconds": round(sight.eta_s, 3) if sight and sight.eta_s is not None and not job.ended else None,
        "error_code": code,
        "error_message": message,
        "simulated": simulated,
    }


def lookup_entry(job: Job, status: dict[str, Any]) -> dict[str, Any]:
    """A job as the lookup lists it: its status and what tells whose and which it is."""
    return status | {
        "labels": job.spec.labels,
        "idempotency_key": job.key,
        "base_model": job.spec.base_model,
        "gpu_config": {"type": job.spec.gpu_type, "count": job.spec.gpu_count},
        "dataset_sha256": job.spec.dataset.sha256,
    }


def points_answer(page: Page[Point]) -> dict[str, Any]:
    return {"points": list(map(_point, page.items)), "next": page.next, "has_more": page.has_more}


def lines_answer(page: Page[LogLine]) -> dict[str, Any]:
    lines = [{"seq": line.seq, "at": iso(line.at), "text": line.text} for line in page.items]
    return {"lines": lines, "next": page.next, "has_more": page.has_more}


def _point(point: Point) -> dict[str, Any]:
    values, nonfinite = _split(point.values)
    return {
        "seq": point.seq,
        "restart": point.restart,
        "step": point.step,
        "epoch": point.epoch,
        "at": iso(point.at),
        "values": values,
        "nonfinite": nonfinite,
    }


def _split(values: Mapping[str, float | None]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Values that JSON can carry, and the names of those it cannot."""
    finite, nonfinite = dict(values), {}
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            finite[name] = None
            nonfinite[name] = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return finite, nonfinite


def checkpoint_entry(checkpoint: SavedCheckpoint, urls: Mapping[str, str | None]) -> dict[str, Any]:
    """A checkpoint with its files; `urls`: path relative to the checkpoint -> download link or None."""
    return {
        "path": checkpoint.path,
        "step": checkpoint.step,
        "epoch": checkpoint.epoch,
        "restart": checkpoint.restart,
        "validation_loss": checkpoint.validation_loss,
        "at": iso(checkpoint.at),
        "files": [
            {"path": file.path, "size": file.size, "sha256": file.sha256, "url": urls[file.path]}
            for file in checkpoint.files
        ],
    }


def _detail(job: Job, sight: Sight | None, provisioning: Progress | None) -> dict[str, Any]:
    """What the present stage is busy with, and how far it is in percent."""
    if provisioning is not None:
        return {"stage_detail": provisioning.text, "stage_progress": provisioning.percent}
    if job.phase in DETAIL_OF_PHASE or sight is None:
        return {"stage_detail": DETAIL_OF_PHASE.get(job.phase), "stage_progress": None}
    return {"stage_detail": sight.stage_detail, "stage_progress": sight.stage_progress}


def _progress(job: Job, sight: Sight | None, provisioning: Progress | None) -> dict[str, Any]:
    metrics = _split(sight.metrics)[0] if sight else {}
    progress = 100.0 if job.status is Status.COMPLETED else min(99.0, sight.progress) if sight else 0.0
    return {
        "stage": stage_of(job, sight, provisioning),
        "progress": round(progress, 2),
        "current_epoch": sight.epoch if sight else 0,
        "current_step": sight.step if sight else 0,
        "metrics": {name: metrics.get(name) for name in METRICS},
    }


def _transitions(job: Job, sight: Sight | None) -> list[Transition]:
    """The node's own changes and the run's resumptions, in order of time."""
    if sight is None or not sight.resumptions:
        return list(job.transitions)
    resumed = [Transition(Status.RUNNING, each.at, each.reason) for each in sight.resumptions]
    return sorted([*job.transitions, *resumed], key=lambda change: change.at)


def _error(job: Job) -> tuple[str | None, str | None]:
    if not job.ended or job.verdict is None:
        return None, None
    return job.verdict.error_code, job.verdict.error_message
