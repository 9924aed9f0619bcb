"""What a run leaves behind: points, logs, costs, the artifact."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models.job import TrainingJob

METRIC_NAMES = (
    "training_loss",
    "validation_loss",
    "learning_rate",
    "gradient_norm",
    "throughput",
    "gpu_utilization",
    "gpu_memory",
)


class MetricsPoint(models.Model):
    """Values of one step. Written by jobs.metrics alone: a repeated key fills gaps and overwrites nothing."""

    # No index of its own: both below start with the job.
    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="metrics_points", db_index=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.BigIntegerField(
        default=0, help_text="the job's metrics_version when this row last changed: readers' cursor"
    )
    attempt = models.PositiveIntegerField()
    restart = models.PositiveIntegerField(default=0)
    step = models.BigIntegerField()
    epoch = models.FloatField(null=True, blank=True)
    training_loss = models.FloatField(null=True, blank=True)
    validation_loss = models.FloatField(null=True, blank=True)
    learning_rate = models.FloatField(null=True, blank=True)
    gradient_norm = models.FloatField(null=True, blank=True)
    throughput = models.FloatField(null=True, blank=True, help_text="tokens/s")
    gpu_utilization = models.FloatField(null=True, blank=True, help_text="%")
    gpu_memory = models.FloatField(null=True, blank=True, help_text="GiB, the most used so far on one GPU")
    timestamp = models.DateTimeField(null=True, blank=True, help_text="the cluster's clock")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "metrics_points"
        ordering = ["attempt", "restart", "step"]
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt", "restart", "step"], name="point_once_per_step")
        ]
        indexes = [
            models.Index(fields=["job", "version"]),
            # Evaluations are few among many points; comparing jobs reads them alone.
            models.Index(
                fields=["job", "attempt", "restart", "step"],
                name="point_with_validation",
                condition=Q(validation_loss__isnull=False),
            ),
        ]


class JobLog(models.Model):
    """The last lines of a run's log; the whole lies in storage after the end."""

    job = models.OneToOneField(TrainingJob, on_delete=models.CASCADE, related_name="log")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField(default=1)
    cursor = models.BigIntegerField(default=0, help_text="of the last line taken over")
    tail = models.TextField(blank=True)
    total_lines = models.BigIntegerField(default=0)
    storage_path = models.CharField(max_length=1024, blank=True, help_text="in lora-models; set when all is there")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "job_logs"


class CostRecord(models.Model):
    """What an ended attempt cost."""

    job = models.ForeignKey(TrainingJob, on_delete=models.PROTECT, related_name="cost_records")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField()
    cost_type = models.CharField(max_length=32, default="training_compute")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    details = models.JSONField(help_text="{gpu_type, gpu_count, billable_seconds, rate, billing_source, priced}")
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "cost_records"
        ordering = ["-recorded_at"]
        constraints = [models.UniqueConstraint(fields=["job", "attempt", "cost_type"], name="cost_once_per_attempt")]


class Checkpoint(models.Model):
    """A state of the training that lies in storage while and after it trains; a new job may go on from it."""

    job = models.ForeignKey(TrainingJob, on_delete=models.PROTECT, related_name="checkpoints")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField()
    restart = models.PositiveIntegerField(default=0)
    step = models.BigIntegerField()
    epoch = models.FloatField(null=True, blank=True)
    validation_loss = models.FloatField(null=True, blank=True, help_text="of the evaluation at this step")
    storage_prefix = models.CharField(max_length=1024, help_text="in lora-models")
    files = models.JSONField(default=list, help_text="[{path, size, sha256}], paths below the prefix")
    saved_at = models.DateTimeField(null=True, blank=True, help_text="the cluster's clock")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "checkpoints"
        ordering = ["attempt", "restart", "step"]
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt", "restart", "step"], name="checkpoint_once_per_step")
        ]

    def __str__(self) -> str:
        return f"step {self.step} of {self.job_id}"


class ArtifactStatus(models.TextChoices):
    COLLECTING = "collecting", "Being brought into storage"
    READY = "ready", "Ready"
    FAILED = "failed", "Unavailable"


class ModelArtifact(models.Model):
    """The adapter that a job produced, and what follows training starts from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.OneToOneField(TrainingJob, on_delete=models.PROTECT, related_name="artifact")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1, help_text="counts the artifacts of one owner and name")
    status = models.CharField(max_length=16, choices=ArtifactStatus, default=ArtifactStatus.COLLECTING)
    is_partial = models.BooleanField(default=False, help_text="kept from a run that was stopped before its end")
    storage_bucket = models.CharField(max_length=32, default="lora-models")
    storage_prefix = models.CharField(max_length=1024)
    files = models.JSONField(default=list, help_text="[{path, size, sha256}]")
    quality_metrics = models.JSONField(default=dict)
    training_summary = models.JSONField(default=dict)
    configuration = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "model_artifacts"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
