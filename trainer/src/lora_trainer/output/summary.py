"""training_summary.json: the run in figures. No torch."""

from dataclasses import asdict
from typing import Any

from lora_trainer import SCHEMA
from lora_trainer.job import Job
from lora_trainer.training.progress import Progress


def make_summary(
    job: Job,
    progress: Progress,
    *,
    versions: dict[str, str],
    restarts: int,
    stopped: str | None,
    samples: list[dict[str, Any]],
) -> dict[str, Any]:
    """The object that README.md describes, schema 1."""
    return {
        "schema": SCHEMA,
        "base_model": job.base_model.name,
        "dataset_sha256": job.dataset.sha256,
        "validation_sha256": job.validation.sha256 if job.validation else None,
        "seed": job.hyperparameters.seed,
        "hyperparameters": asdict(job.hyperparameters),
        "device": progress.device,
        "dtype": progress.dtype,
        "examples": progress.examples,
        "tokens": progress.tokens | {"trained": progress.trained_tokens, "processed": progress.processed_tokens},
        "steps": progress.step,
        "epochs": round(progress.epoch, 4),
        "seconds": round(progress.seconds, 1),
        "tokens_per_second": round(progress.processed_tokens / progress.seconds, 1) if progress.seconds else None,
        "peak_memory_bytes": progress.peak_memory,
        "training_loss": progress.training_loss,
        "validation_loss": progress.validation_loss,
        "best_validation_loss": progress.best_validation_loss,
        "base_validation_loss": progress.base_validation_loss,
        "best_step": progress.best_step,
        "is_partial": progress.step < progress.total_steps and stopped != "early_stopping",
        "stopped": stopped,
        "restarts": restarts,
        "resumed_from_step": job.resume_from.step if job.resume_from else None,
        "versions": versions,
        "samples": samples,
    }
