"""What a run leaves behind: points, costs, its timeline, its artifact."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from jobs.api.outputs.job import CurrentMetricsOutput, JobOutput
from jobs.api.outputs.situation import SituationOutput, TrendsOutput
from jobs.models import Checkpoint, CostRecord, JobEvent, ModelArtifact


class PointMeansOutput(serializers.Serializer[dict[str, Any]]):
    """Documentation of the means of noisy metrics (jobs.series.AVERAGED)."""

    training_loss = serializers.FloatField(allow_null=True)
    gradient_norm = serializers.FloatField(allow_null=True)
    throughput = serializers.FloatField(allow_null=True, help_text="tokens/s")
    gpu_utilization = serializers.FloatField(allow_null=True, help_text="%")


class MetricsPointOutput(CurrentMetricsOutput):
    """Documentation of one point (jobs.series makes them, a thousand at a time)."""

    attempt = serializers.IntegerField()
    restart = serializers.IntegerField(help_text="the cluster's own resumptions; a step may come again after one")
    step = serializers.IntegerField()
    epoch = serializers.FloatField(allow_null=True)
    timestamp = serializers.DateTimeField(allow_null=True, help_text="the cluster's clock")
    superseded = serializers.BooleanField(
        help_text="a later restart or attempt trained this step again, as of this answer"
    )
    stands_for = serializers.IntegerField(
        help_text="where points were left out: how many stored ones since the one before this, and itself; else 1"
    )
    means = PointMeansOutput(
        allow_null=True, help_text="over the points that it stands for, superseded ones apart; null for itself alone"
    )


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
            "is_partial",
            "files",
            "quality_metrics",
            "training_summary",
            "configuration",
            "created_at",
        )


class CheckpointFileOutput(serializers.Serializer[dict[str, Any]]):
    path = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    sha256 = serializers.CharField(allow_blank=True)


class CheckpointOutput(serializers.ModelSerializer[Checkpoint]):
    is_best = serializers.SerializerMethodField()
    size = serializers.SerializerMethodField()
    files = CheckpointFileOutput(many=True)

    class Meta:
        model = Checkpoint
        fields = ("step", "epoch", "attempt", "restart", "validation_loss", "is_best", "size", "saved_at", "files")

    def get_is_best(self, checkpoint: Checkpoint) -> bool:
        """No other one of the job has a lower validation loss."""
        return checkpoint.pk == self.context.get("best")

    def get_size(self, checkpoint: Checkpoint) -> int:
        """Bytes of all files."""
        return sum(file["size"] for file in checkpoint.files)


class PaginationOutput(serializers.Serializer[dict[str, Any]]):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    total_pages = serializers.IntegerField()


JobDetailAnswer = inline_serializer(
    "JobDetailAnswer",
    {
        "job": JobOutput(),
        "metrics": MetricsPointOutput(many=True, help_text="in step order; a chart's worth, extremes kept"),
        "metrics_total": serializers.IntegerField(help_text="points stored"),
        "metrics_superseded": serializers.IntegerField(help_text="of these, how many were trained again since"),
        "metrics_next": serializers.IntegerField(help_text="send it as `since` to get only what is new"),
        "cost_records": CostRecordOutput(many=True),
        "situation": SituationOutput(help_text="what is going on, as of this answer"),
        "trends": TrendsOutput(),
    },
)

_cost_record = CostRecordOutput()


def cost_json(record: CostRecord) -> dict[str, Any]:
    return _cost_record.to_representation(record)
