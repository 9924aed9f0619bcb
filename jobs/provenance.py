"""What a job was made from, in full: enough to make it once more, and to know what an adapter is."""

from typing import Any

from django.db.models import Sum

from jobs import resumption, sources, summary
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel, ModelArtifact, TrainingJob


def configuration(job: TrainingJob) -> dict[str, Any]:
    """What an artifact keeps of its job: it outlives catalog and price list."""
    return {
        "base_model": job.base_model.name,
        "base_model_source": base_model_source(job.base_model),
        "preset": job.preset,
        "hyperparameters": job.hyperparameters,
        "gpu_config": job.gpu_config,
        "price_per_gpu_hour": _price(job),
        "dataset_sha256": job.dataset.sha256,
        "validation_dataset_sha256": job.validation_dataset.sha256 if job.validation_dataset else None,
        "seed": job.hyperparameters.get("seed"),
        "resume_from": resumed_from(job),
    }


def request(job: TrainingJob) -> dict[str, Any]:
    """A body that creates the same job again, always from its start; refused where its dataset changed."""
    body: dict[str, Any] = {
        "name": job.name,
        "dataset_id": str(job.dataset_id),
        "dataset_sha256": resumption.trained_on(job),
        "preset_id": job.preset,
        "base_model": job.base_model.name,
        "gpu_config": job.gpu_config,
        "hyperparameters": job.hyperparameters,
    }
    if job.sentinel:
        body["sentinel"] = job.sentinel
    if job.max_cost is not None:
        body["max_cost"] = float(job.max_cost)
    if job.validation_dataset_id:
        body["validation_dataset_id"] = str(job.validation_dataset_id)
    return body


def provenance(job: TrainingJob) -> dict[str, Any]:
    """What there is to know of a job's making besides its request; `versions` are those that trained it."""
    model = job.base_model
    trained_with = ModelArtifact.objects.filter(job=job).values_list("configuration", flat=True).first() or {}
    return {
        "dataset": {
            "name": job.dataset.name,
            "sha256": resumption.trained_on(job),
            "bytes": job.dataset.file_size,
            "examples": job.dataset.total_training_pairs,
        },
        "base_model": {
            "name": model.name,
            "source": str(model.source),
            "location": model.location,
            "licence": model.licence,
        },
        "price_per_hour": None
        if job.gpu_price_per_hour is None
        else float(job.gpu_price_per_hour * job.gpu_config["count"]),
        "seed": job.hyperparameters.get("seed"),
        "versions": trained_with.get("versions", {}),
        "retry_of": str(job.retry_of_id) if job.retry_of_id else None,
        "resume_from": resumed_from(job),
        "estimate": job.estimate or None,
    }


def actual(job: TrainingJob) -> dict[str, Any] | None:
    """What an ended job took, as estimates count it: the seconds are those that GPUs were held for, else those of
    training alone. Tokens and steps are by the run's own summary where there is one. None before the end.
    """
    if not job.is_terminal:
        return None
    stored = ModelArtifact.objects.filter(job=job).values_list("training_summary", flat=True).first()
    told = summary.read(stored)
    billed = job.attempts.aggregate(seconds=Sum("billable_seconds"))["seconds"]
    return {
        "seconds": billed or told.seconds,
        "tokens": told.tokens,
        "steps": told.steps if told.steps is not None else job.current_step,
        "cost": None if job.final_cost is None else float(job.final_cost),
    }


def resumed_from(job: TrainingJob) -> dict[str, Any] | None:
    """The checkpoint that the job went on from: {job_id, attempt, restart, step}."""
    checkpoint = job.resume_from
    if checkpoint is None:
        return None
    return {
        "job_id": str(checkpoint.job_id),
        "attempt": checkpoint.attempt,
        "restart": checkpoint.restart,
        "step": checkpoint.step,
    }


def base_model_source(model: BaseModel) -> dict[str, str]:
    """Kind, location and licence; as the operator wrote them where the location is none."""
    try:
        return sources.described(model)
    except InvalidJob:
        return {"kind": str(model.source), "location": model.location, "licence": model.licence}


def _price(job: TrainingJob) -> float | None:
    return None if job.gpu_price_per_hour is None else float(job.gpu_price_per_hour)
