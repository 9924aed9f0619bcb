"""What the API says about jobs: one serializer per noun, which is its shape and its documentation in one.

A value that is not known is null, never 0. Money and metrics are numbers, times ISO 8601 in UTC.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from datasets.models import Dataset
from jobs import presets, selectors
from jobs.estimates import Estimate
from jobs.models import BaseModel, CostRecord, JobEvent, ModelArtifact, TrainingJob
from jobs.models.run import METRIC_NAMES
from jobs.states import ADVICE, TERMINAL, Status, error_code


class JobDatasetOutput(serializers.ModelSerializer[Dataset]):
    class Meta:
        model = Dataset
        fields = (
            "id",
            "name",
            "format",
            "total_training_pairs",
            "total_validation_pairs",
            "total_tokens",
            "storage_bucket",
        )


class HyperparametersOutput(serializers.Serializer[dict[str, Any]]):
    """Documentation of what a job stores: every hyperparameter of jobs.presets."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {field.name: _documented(field) for field in presets.FIELDS.values()}


class GpuConfigOutput(serializers.Serializer[dict[str, Any]]):
    type = serializers.CharField()
    count = serializers.IntegerField()
    price_per_gpu_hour = serializers.FloatField(allow_null=True, help_text="frozen at creation; null: no price")
    price_per_hour = serializers.FloatField(help_text="of all GPUs together; 0 without a price")
    priced = serializers.BooleanField()


class CurrentMetricsOutput(serializers.Serializer[dict[str, Any]]):
    training_loss = serializers.FloatField(allow_null=True)
    validation_loss = serializers.FloatField(allow_null=True)
    learning_rate = serializers.FloatField(allow_null=True)
    gradient_norm = serializers.FloatField(allow_null=True)
    throughput = serializers.FloatField(allow_null=True, help_text="tokens/s")
    gpu_utilization = serializers.FloatField(allow_null=True, help_text="%")


class JobErrorOutput(serializers.Serializer[dict[str, Any]]):
    code = serializers.CharField()
    side = serializers.CharField(help_text="who has to act: data, settings, cluster or us")
    message = serializers.CharField()
    advice = serializers.CharField()
    detail = serializers.CharField()


class WarningOutput(serializers.Serializer[dict[str, Any]]):
    code = serializers.CharField()
    message = serializers.CharField()


class JobSummaryOutput(serializers.ModelSerializer[TrainingJob]):
    """A job as lists show it."""

    status = serializers.ChoiceField([status.value for status in Status])
    owner = serializers.CharField(source="owner.username")
    dataset = JobDatasetOutput()
    base_model = serializers.CharField(source="base_model.name")
    gpu_config = serializers.SerializerMethodField()
    current_metrics = serializers.SerializerMethodField()
    elapsed_seconds = serializers.SerializerMethodField()
    eta_seconds = serializers.SerializerMethodField()
    current_cost = serializers.FloatField()
    estimated_total_cost = serializers.FloatField(allow_null=True)
    final_cost = serializers.FloatField(allow_null=True)
    error = serializers.SerializerMethodField()
    warnings = WarningOutput(many=True)
    artifact_id = serializers.SerializerMethodField()
    artifact_status = serializers.SerializerMethodField()

    class Meta:
        model = TrainingJob
        fields: tuple[str, ...] = (
            "id",
            "name",
            "status",
            "current_stage",
            "progress",
            "current_epoch",
            "total_epochs",
            "current_step",
            "total_steps",
            "owner",
            "dataset",
            "base_model",
            "preset",
            "gpu_config",
            "current_metrics",
            "queued_at",
            "started_at",
            "completed_at",
            "estimated_completion_at",
            "elapsed_seconds",
            "eta_seconds",
            "current_cost",
            "estimated_total_cost",
            "final_cost",
            "cost_is_estimate",
            "error",
            "waiting_for",
            "warnings",
            "cancel_requested_at",
            "simulated",
            "retry_of",
            "artifact_id",
            "artifact_status",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(GpuConfigOutput)
    def get_gpu_config(self, job: TrainingJob) -> dict[str, Any]:
        count, price = job.gpu_config["count"], job.gpu_price_per_hour
        return {
            "type": job.gpu_config["type"],
            "count": count,
            "price_per_gpu_hour": None if price is None else float(price),
            "price_per_hour": float(price * count) if price is not None else 0.0,
            "priced": price is not None,
        }

    @extend_schema_field(CurrentMetricsOutput)
    def get_current_metrics(self, job: TrainingJob) -> dict[str, Any]:
        return {name: job.current_metrics.get(name) for name in METRIC_NAMES}

    def get_elapsed_seconds(self, job: TrainingJob) -> float | None:
        """Since it started to run, as of this answer."""
        return None if job.started_at is None else _seconds(job.started_at, job.completed_at or timezone.now())

    def get_eta_seconds(self, job: TrainingJob) -> float | None:
        """Until the expected end, as of this answer."""
        expected = None if job.status in TERMINAL else job.estimated_completion_at
        return None if expected is None else _seconds(timezone.now(), expected)

    @extend_schema_field(JobErrorOutput(allow_null=True))
    def get_error(self, job: TrainingJob) -> dict[str, Any] | None:
        if not job.error_code:
            return None
        side, advice = ADVICE[error_code(job.error_code)]
        return {
            "code": job.error_code,
            "side": side.value,
            "message": job.error_message,
            "advice": advice,
            "detail": job.error_detail,
        }

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_artifact_id(self, job: TrainingJob) -> str | None:
        artifact = _artifact(job)
        return str(artifact.pk) if artifact else None

    def get_artifact_status(self, job: TrainingJob) -> str | None:
        artifact = _artifact(job)
        return artifact.status if artifact else None


class JobOutput(JobSummaryOutput):
    """A job with its configuration and where it runs."""

    hyperparameters = HyperparametersOutput()
    effective_batch_size = serializers.SerializerMethodField()
    external_job_id = serializers.SerializerMethodField()
    resume_from = serializers.SerializerMethodField()

    class Meta(JobSummaryOutput.Meta):
        fields = (
            *JobSummaryOutput.Meta.fields,
            "hyperparameters",
            "effective_batch_size",
            "cluster",
            "attempt",
            "external_job_id",
            "resume_from",
        )
        read_only_fields = fields

    def get_effective_batch_size(self, job: TrainingJob) -> int:
        return presets.effective_batch_size(job.hyperparameters, job.gpu_config["count"])

    def get_external_job_id(self, job: TrainingJob) -> str | None:
        return job.external_job_id or None

    def get_resume_from(self, job: TrainingJob) -> str | None:
        """The job whose checkpoint this one continues: none yet."""
        return None


class MetricsPointOutput(CurrentMetricsOutput):
    """Documentation of one point (jobs.series makes them, a thousand at a time)."""

    attempt = serializers.IntegerField()
    restart = serializers.IntegerField(help_text="the cluster's own resumptions; a step may come again after one")
    step = serializers.IntegerField()
    epoch = serializers.FloatField(allow_null=True)
    timestamp = serializers.DateTimeField(allow_null=True, help_text="the cluster's clock")


class CostRecordOutput(serializers.ModelSerializer[CostRecord]):
    amount = serializers.FloatField(help_text="US dollars")
    billing_period_start = serializers.DateTimeField(source="period_start", allow_null=True)
    billing_period_end = serializers.DateTimeField(source="period_end", allow_null=True)

    class Meta:
        model = CostRecord
        fields: tuple[str, ...] = (
            "id",
            "cost_type",
            "amount",
            "details",
            "attempt",
            "billing_period_start",
            "billing_period_end",
            "recorded_at",
        )


class JobCostOutput(CostRecordOutput):
    """A cost record in a list over several jobs."""

    job_id = serializers.UUIDField()
    job_name = serializers.CharField(source="job.name")

    class Meta(CostRecordOutput.Meta):
        fields = (*CostRecordOutput.Meta.fields, "job_id", "job_name")


class JobEventOutput(serializers.ModelSerializer[JobEvent]):
    class Meta:
        model = JobEvent
        fields = ("id", "kind", "from_status", "to_status", "actor", "message", "detail", "attempt", "created_at")


class ArtifactFileOutput(serializers.Serializer[dict[str, Any]]):
    path = serializers.CharField()
    size = serializers.IntegerField(allow_null=True, help_text="bytes")
    sha256 = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True, help_text="signed, for a limited time; null until ready")
    url_expires_at = serializers.DateTimeField(allow_null=True)


class ArtifactOutput(serializers.ModelSerializer[ModelArtifact]):
    job_id = serializers.UUIDField()
    dataset_id = serializers.UUIDField()
    files = ArtifactFileOutput(many=True)

    class Meta:
        model = ModelArtifact
        fields = (
            "id",
            "job_id",
            "dataset_id",
            "name",
            "version",
            "status",
            "files",
            "quality_metrics",
            "training_summary",
            "configuration",
            "created_at",
        )


class BaseModelOutput(serializers.ModelSerializer[BaseModel]):
    class Meta:
        model = BaseModel
        fields = ("name", "source", "parameters", "context_length", "licence", "is_default")


class RangeOutput(serializers.Serializer[Any]):
    low = serializers.FloatField()
    high = serializers.FloatField()


class EstimateOutput(serializers.Serializer[Estimate]):
    tokens = serializers.IntegerField(help_text="of all epochs together")
    tokens_estimated = serializers.BooleanField(help_text="made from the texts' size, no tokenizer was at hand")
    steps = serializers.IntegerField()
    duration_seconds = serializers.SerializerMethodField()
    cost = serializers.SerializerMethodField()
    price_per_hour = serializers.FloatField(help_text="US dollars for all GPUs together")
    priced = serializers.BooleanField(source="is_priced")
    effective_batch_size = serializers.IntegerField()
    notes = serializers.ListField(child=serializers.CharField(), help_text="what to know about these figures")

    @extend_schema_field(RangeOutput(allow_null=True))
    def get_duration_seconds(self, estimate: Estimate) -> dict[str, float] | None:
        """Null for a GPU type whose speed is not known."""
        return _range(estimate.seconds)

    @extend_schema_field(RangeOutput(allow_null=True))
    def get_cost(self, estimate: Estimate) -> dict[str, float] | None:
        """US dollars; null for a GPU type whose speed is not known."""
        return _range(estimate.cost)


class GpuTypeOutput(serializers.Serializer[selectors.GpuType]):
    type = serializers.CharField()
    price_per_hour = serializers.FloatField(allow_null=True, help_text="US dollars per GPU; null: no price, counts 0")
    priced = serializers.BooleanField(source="is_priced")
    available = serializers.IntegerField(allow_null=True, help_text="GPUs that the clusters have; null: not known")


PresetOutput = inline_serializer(
    "PresetOutput",
    {
        "id": serializers.CharField(),
        "label": serializers.CharField(),
        "description": serializers.CharField(),
        "is_default": serializers.BooleanField(),
        "hyperparameters": HyperparametersOutput(),
    },
    many=True,
)


class PaginationOutput(serializers.Serializer[dict[str, Any]]):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    total_pages = serializers.IntegerField()


JobAnswer = inline_serializer("JobAnswer", {"job": JobOutput()})
CostsAnswer = inline_serializer(
    "CostsAnswer",
    {
        "costs": JobCostOutput(many=True),
        "total": serializers.FloatField(help_text="US dollars of all records that match, whatever the page"),
        "pagination": PaginationOutput(),
    },
)
JobDetailAnswer = inline_serializer(
    "JobDetailAnswer",
    {
        "job": JobOutput(),
        "metrics": MetricsPointOutput(many=True, help_text="in step order; a chart's worth, extremes kept"),
        "metrics_total": serializers.IntegerField(help_text="points stored"),
        "metrics_next": serializers.IntegerField(help_text="send it as `since` to get only what is new"),
        "cost_records": CostRecordOutput(many=True),
    },
)

# A serializer is made of many fields. Writing only reads them, so one instance serves all requests.
_job, _cost_record = JobOutput(), CostRecordOutput()


def job_json(job: TrainingJob) -> dict[str, Any]:
    """A job as selectors.job_get reads it."""
    return _job.to_representation(job)


def cost_json(record: CostRecord) -> dict[str, Any]:
    return _cost_record.to_representation(record)


def gpu_type_json(gpu: selectors.GpuType) -> dict[str, Any]:
    return GpuTypeOutput(gpu).data


def _range(pair: tuple[Any, Any] | None) -> dict[str, float] | None:
    return None if pair is None else {"low": float(pair[0]), "high": float(pair[1])}


def _documented(field: presets.Field) -> serializers.Field[Any, Any, Any, Any]:
    if field.choices:
        return serializers.ChoiceField(field.choices, help_text=field.help)
    if field.is_whole:
        return serializers.IntegerField(help_text=f"{field.help} Must be {field.requirement}.")
    return serializers.FloatField(help_text=f"{field.help} Must be {field.requirement}.")


def _artifact(job: TrainingJob) -> ModelArtifact | None:
    return getattr(job, "artifact", None)  # the reverse side of a one-to-one raises where there is no row


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, round((end - start).total_seconds(), 3))
