"""What a job was made from, in full: enough to make it once more, and to know what an adapter is."""

from typing import Any

from jobs import sources
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel, TrainingJob


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
    """A body that creates the same job again, or is refused where its dataset changed."""
    body: dict[str, Any] = {
        "name": job.name,
        "dataset_id": str(job.dataset_id),
        "dataset_sha256": job.dataset.sha256,
        "preset_id": job.preset,
        "base_model": job.base_model.name,
        "gpu_config": job.gpu_config,
        "hyperparameters": job.hyperparameters,
    }
    if job.validation_dataset_id:
        body["validation_dataset_id"] = str(job.validation_dataset_id)
    return body


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
