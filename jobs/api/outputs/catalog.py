"""What can be chosen for a new job, and what it would take."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from jobs import presets, selectors
from jobs.estimates import Estimate
from jobs.models import BaseModel


class HyperparametersOutput(serializers.Serializer[dict[str, Any]]):
    """Documentation of what a job stores: every hyperparameter of jobs.presets."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {field.name: _documented(field) for field in presets.FIELDS.values()}


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


def gpu_type_json(gpu: selectors.GpuType) -> dict[str, Any]:
    return GpuTypeOutput(gpu).data


def _range(pair: tuple[Any, Any] | None) -> dict[str, float] | None:
    return None if pair is None else {"low": float(pair[0]), "high": float(pair[1])}


def _documented(field: presets.Field) -> serializers.Field[Any, Any, Any, Any]:
    if field.choices:
        return serializers.ChoiceField(field.choices, help_text=field.help)
    if field.is_flag:
        return serializers.BooleanField(help_text=field.help)
    if field.is_whole:
        return serializers.IntegerField(help_text=f"{field.help} Must be {field.requirement}.")
    return serializers.FloatField(help_text=f"{field.help} Must be {field.requirement}.")
