"""A job, as lists show it and as a whole."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from datasets.models import Dataset
from jobs import presets, provenance, selectors, sentinel
from jobs.api.outputs.catalog import EstimateOutput, HyperparametersOutput
from jobs.models import ModelArtifact, TrainingJob
from jobs.models.run import METRIC_NAMES
from jobs.reasons import REASONS, Retry, error_code
from jobs.states import TERMINAL, Status


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
    gpu_memory = serializers.FloatField(allow_null=True, help_text="GiB, the most used so far on one GPU")


class JobErrorOutput(serializers.Serializer[dict[str, Any]]):
    code = serializers.CharField()
    side = serializers.CharField(help_text="who has to act: data, settings, cluster or us")
    message = serializers.CharField()
    advice = serializers.CharField()
    retry = serializers.ChoiceField(
        [rule.value for rule in Retry], help_text="never: change something first; by_hand; automatic, within limits"
    )
    retried_automatically = serializers.BooleanField(help_text="such a failure starts the job again by itself at first")
    detail = serializers.CharField()


class WarningOutput(serializers.Serializer[dict[str, Any]]):
    code = serializers.CharField()
    message = serializers.CharField()
    step = serializers.IntegerField(required=False, help_text="where it is marked in the curve")


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
    max_cost = serializers.FloatField(allow_null=True, help_text="the budget; null: none")
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
            "stage_detail",
            "stage_progress",
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
            "max_cost",
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
        reason = REASONS[error_code(job.error_code)]
        return {
            "code": job.error_code,
            "side": reason.side.value,
            "message": job.error_message,
            "advice": reason.advice,
            "retry": reason.retry.value,
            "retried_automatically": reason.retry is Retry.AUTOMATIC,
            "detail": job.error_detail,
        }

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_artifact_id(self, job: TrainingJob) -> str | None:
        artifact = _artifact(job)
        return str(artifact.pk) if artifact else None

    def get_artifact_status(self, job: TrainingJob) -> str | None:
        artifact = _artifact(job)
        return artifact.status if artifact else None


class ResumedFromOutput(serializers.Serializer[dict[str, Any]]):
    job_id = serializers.UUIDField()
    attempt = serializers.IntegerField()
    restart = serializers.IntegerField()
    step = serializers.IntegerField()


class ActualOutput(serializers.Serializer[dict[str, Any]]):
    """What a job took: by its run's own summary where there is one, else by what was seen."""

    seconds = serializers.FloatField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True, help_text="processed in the whole run")
    steps = serializers.IntegerField(allow_null=True)
    cost = serializers.FloatField(allow_null=True, help_text="US dollars")


class SentinelOutput(serializers.Serializer[dict[str, Any]]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        actions = [action.value for action in sentinel.Action]
        return {kind.value: serializers.ChoiceField(actions) for kind in sentinel.Kind}


class JobOutput(JobSummaryOutput):
    """A job with its configuration and where it runs."""

    hyperparameters = HyperparametersOutput()
    effective_batch_size = serializers.SerializerMethodField()
    sentinel = serializers.SerializerMethodField()
    external_job_id = serializers.SerializerMethodField()
    resume_from = serializers.SerializerMethodField()
    retries = serializers.SerializerMethodField()
    checkpoints_count = serializers.IntegerField(help_text="those in storage")
    estimate = serializers.SerializerMethodField()
    actual = serializers.SerializerMethodField()

    class Meta(JobSummaryOutput.Meta):
        fields = (
            *JobSummaryOutput.Meta.fields,
            "hyperparameters",
            "effective_batch_size",
            "sentinel",
            "cluster",
            "attempt",
            "external_job_id",
            "resume_from",
            "retries",
            "checkpoints_count",
            "estimate",
            "actual",
        )
        read_only_fields = fields

    def get_effective_batch_size(self, job: TrainingJob) -> int:
        return presets.effective_batch_size(job.hyperparameters, job.gpu_config["count"])

    @extend_schema_field(SentinelOutput)
    def get_sentinel(self, job: TrainingJob) -> dict[str, str]:
        """What is done about each finding of the loss sentinel."""
        return {kind.value: action.value for kind, action in sentinel.in_force(job.sentinel).items()}

    def get_external_job_id(self, job: TrainingJob) -> str | None:
        return job.external_job_id or None

    @extend_schema_field(ResumedFromOutput(allow_null=True))
    def get_resume_from(self, job: TrainingJob) -> dict[str, Any] | None:
        """The checkpoint that this job went on from."""
        return provenance.resumed_from(job)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_retries(self, job: TrainingJob) -> list[str]:
        """The jobs that were made from this one, oldest first."""
        has_some = getattr(job, "has_retries", True)
        return [str(id) for id in selectors.job_retries(job).values_list("pk", flat=True)] if has_some else []

    @extend_schema_field(EstimateOutput(allow_null=True))
    def get_estimate(self, job: TrainingJob) -> dict[str, Any] | None:
        """As it was shown when the job was created; null for a job of before there were estimates."""
        return job.estimate or None

    @extend_schema_field(ActualOutput(allow_null=True))
    def get_actual(self, job: TrainingJob) -> dict[str, Any] | None:
        """What it took; null until it has ended."""
        return provenance.actual(job)


JobAnswer = inline_serializer("JobAnswer", {"job": JobOutput()})

# A serializer is made of many fields. Writing only reads them, so one instance serves all requests.
_job = JobOutput()


def job_json(job: TrainingJob) -> dict[str, Any]:
    """A job as selectors.job_get reads it."""
    return _job.to_representation(job)


def _artifact(job: TrainingJob) -> ModelArtifact | None:
    return getattr(job, "artifact", None)  # the reverse side of a one-to-one raises where there is no row


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, round((end - start).total_seconds(), 3))
