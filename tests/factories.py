"""Rows that are valid as they stand, for tests that only read. Jobs on the real road come from services."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from datasets.models import Dataset, DatasetStatus, StorageBucket
from jobs import metrics, outline, presets
from jobs.models import (
    BaseModel,
    Checkpoint,
    CostRecord,
    JobAttempt,
    JobEvent,
    MetricsPoint,
    ModelArtifact,
    TrainingJob,
)
from jobs.states import Stage, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HYPERPARAMETERS = presets.resolve("recommended", {})
STAGES = {
    Status.QUEUED: Stage.QUEUED,
    Status.INITIALIZING: Stage.QUEUED_ON_GPU,
    Status.COMPLETED: Stage.COMPLETED,
}


def dataset(owner: User, **changes: Any) -> Dataset:
    """A validated dataset of 180 examples; its file is not in any bucket."""
    id = uuid.uuid4()
    values: dict[str, Any] = {
        "id": id,
        "owner": owner,
        "name": "Support chats",
        "status": DatasetStatus.READY,
        "training_ready": True,
        "storage_bucket": StorageBucket.LORA_DATASETS,
        "storage_path": f"{owner.pk}/{id}/chats.jsonl",
        "file_name": "chats.jsonl",
        "file_size": 120_000,
        "total_training_pairs": 180,
        "total_validation_pairs": 0,
        "total_tokens": 30_000,
        "validated_at": NOW,
    }
    return Dataset.objects.create(**{**values, **changes})


def base_model() -> BaseModel:
    """The default base model of a new installation."""
    return BaseModel.objects.get(is_default=True)


def job(owner: User, status: Status = Status.RUNNING, **changes: Any) -> TrainingJob:
    """A job in any status, as the road would have left it, but for its points (see `points`)."""
    started = status not in {Status.QUEUED, Status.INITIALIZING}
    ended = status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}
    values: dict[str, Any] = {
        "owner": owner,
        "name": "Support chats · recommended",
        "base_model": base_model(),
        "preset": "recommended",
        "hyperparameters": HYPERPARAMETERS,
        "gpu_config": {"type": "H100-80GB", "count": 2},
        "gpu_price_per_hour": Decimal("4.20"),
        "status": status,
        "current_stage": STAGES.get(status, Stage.TRAINING),
        "progress": 100.0 if status is Status.COMPLETED else 40.0 if started else 0.0,
        "total_epochs": 3,
        "total_steps": 69,
        "queued_at": NOW,
        "next_attempt_at": NOW,
        "next_poll_at": NOW,
        "estimated_total_cost": Decimal("1.26"),
    }
    if status is not Status.QUEUED:
        values |= {"external_job_id": f"gpu-{uuid.uuid4().hex[:12]}"}
    if started:
        values |= {"started_at": NOW + timedelta(minutes=1), "current_cost": Decimal("0.42")}
        values |= {"current_metrics": {"training_loss": 1.25, "validation_loss": 0.0, "throughput": 9000.0}}
    if ended:
        values |= {"completed_at": NOW + timedelta(minutes=9), "final_cost": Decimal("1.12")}
    if status is Status.FAILED:
        values |= {"error_code": "out_of_memory", "error_message": "CUDA out of memory"}
    if "dataset" not in changes:
        values["dataset"] = dataset(owner)
    row = TrainingJob.objects.create(**{**values, **changes})
    event(row, to_status=Status.QUEUED.value)
    if status is not Status.QUEUED:
        JobAttempt.objects.create(
            job=row,
            owner=owner,
            number=1,
            cluster="default",
            submission_key=f"{row.pk}:1",
            request={},
            sent_at=NOW,
            outcome="accepted",
        )
        event(row, from_status=Status.QUEUED.value, to_status=status.value)
    if ended:
        cost(row)
    return row


def event(job: TrainingJob, **changes: Any) -> JobEvent:
    """A line of the timeline."""
    values = {"kind": "status", "actor": "system", "message": "Something happened."}
    return JobEvent.objects.create(job=job, owner=job.owner, **{**values, **changes})


def cost(job: TrainingJob, **changes: Any) -> CostRecord:
    """What an attempt cost: eight minutes on two H100."""
    values: dict[str, Any] = {
        "attempt": 1,
        "amount": Decimal("1.12"),
        "details": {"gpu_type": "H100-80GB", "gpu_count": 2, "billable_seconds": 480.0, "rate": 4.2},
        "period_start": NOW + timedelta(minutes=1),
        "period_end": NOW + timedelta(minutes=9),
        "recorded_at": NOW + timedelta(minutes=9),
    }
    return CostRecord.objects.create(job=job, owner=job.owner, **{**values, **changes})


def artifact(job: TrainingJob, **changes: Any) -> ModelArtifact:
    """A ready adapter of one file, which is not in any bucket."""
    values: dict[str, Any] = {
        "dataset": job.dataset,
        "name": job.name,
        "status": "ready",
        "storage_prefix": f"{job.owner.get_username()}/{job.pk}/1/",
        "files": [{"path": "adapter_model.safetensors", "size": 9_800_000, "sha256": "0" * 64}],
    }
    return ModelArtifact.objects.create(job=job, owner=job.owner, **{**values, **changes})


def checkpoint(job: TrainingJob, step: int, **changes: Any) -> Checkpoint:
    """A checkpoint of two files, which are not in any bucket."""
    values: dict[str, Any] = {
        "attempt": 1,
        "step": step,
        "epoch": step / 23,
        "storage_prefix": f"{job.owner.get_username()}/{job.pk}/1/checkpoints/step-{step:06d}-r0/",
        "files": [
            {"path": "adapter_model.safetensors", "size": 9_800_000, "sha256": "0" * 64},
            {"path": "optimizer.safetensors", "size": 19_600_000, "sha256": "1" * 64},
        ],
        "saved_at": NOW + timedelta(minutes=2),
    }
    return Checkpoint.objects.create(job=job, owner=job.owner, **{**values, **changes})


def points(job: TrainingJob, rows: Mapping[int, Mapping[str, Any]], *, attempt: int = 1, restart: int = 0) -> None:
    """Points by step, such as {1: {"training_loss": 2.5}}, stored in one version as ingest does."""
    job.metrics_version += 1
    job.metrics_count += len(rows)
    made = MetricsPoint.objects.bulk_create(
        [
            MetricsPoint(
                job=job,
                owner_id=job.owner_id,
                version=job.metrics_version,
                attempt=attempt,
                restart=restart,
                step=step,
                created_at=NOW,
                **values,
            )
            for step, values in rows.items()
        ],
        batch_size=2000,
    )
    job.loss_outline = outline.extend(job.loss_outline, metrics.told(made))
    job.save(update_fields=[*metrics.METRICS_FIELDS, "updated_at"])
