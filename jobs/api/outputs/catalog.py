"""What can be chosen for a new job, and what it would take."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from jobs import presets, selectors
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


VERDICTS = ("fits", "tight", "does_not_fit", "unknown")


class MemoryOutput(serializers.Serializer[Any]):
    per_part = serializers.DictField(
        child=serializers.FloatField(), help_text="weights, adapter, optimizer, activations, logits, overhead in GiB"
    )
    total_gib = serializers.FloatField(help_text="on each GPU")
    gpu_gib = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(VERDICTS)


class EstimateOutput(serializers.Serializer[Any]):
    """Documentation of jobs.estimates.as_json: what a job was expected to take, kept on it."""

    tokens = serializers.IntegerField(help_text="processed in all epochs together")
    trained_tokens = serializers.IntegerField(allow_null=True, help_text="those with loss; null: lengths not known")
    lost_tokens = serializers.IntegerField(allow_null=True, help_text="cut off by max_length in one pass")
    lost_share = serializers.FloatField(allow_null=True, help_text="of all tokens, 0 to 1")
    cut_examples = serializers.IntegerField(allow_null=True, help_text="examples longer than max_length")
    longest_example = serializers.IntegerField(help_text="tokens of the longest row of a batch")
    tokens_estimated = serializers.BooleanField(help_text="made from the texts' size, no tokenizer was at hand")
    training_examples = serializers.IntegerField()
    validation_examples = serializers.IntegerField(help_text="held out, or in the validation dataset")
    steps = serializers.IntegerField()
    start_step = serializers.IntegerField(help_text="above 0: the other figures are of what is left after it")
    evaluations = serializers.IntegerField()
    duration_seconds = RangeOutput(allow_null=True, help_text="null for a GPU type whose speed is not known")
    cost = RangeOutput(allow_null=True, help_text="US dollars; null for a GPU type whose speed is not known")
    price_per_hour = serializers.FloatField(help_text="US dollars for all GPUs together")
    priced = serializers.BooleanField()
    effective_batch_size = serializers.IntegerField()
    memory = MemoryOutput(allow_null=True, help_text="null: the base model's architecture is not in the catalog")
    based_on = serializers.CharField(allow_blank=True, help_text="what time and cost rest on")
    notes = serializers.ListField(child=serializers.CharField(), help_text="what to know about these figures")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="what to think about before starting")


class OfferOutput(serializers.Serializer[Any]):
    type = serializers.CharField()
    gpu_gib = serializers.FloatField(allow_null=True, help_text="memory of one GPU; null: not known, or a CPU")
    verdict = serializers.ChoiceField(VERDICTS)
    price_per_hour = serializers.FloatField(help_text="US dollars for all GPUs together")
    priced = serializers.BooleanField()
    duration_seconds = RangeOutput(allow_null=True, help_text="null where the type's speed is not known")
    cost = RangeOutput(allow_null=True, help_text="US dollars; null where the type's speed is not known")
    based_on = serializers.CharField(allow_blank=True, help_text="what time and cost rest on")


class EstimateAnswer(EstimateOutput):
    """Documentation of jobs.estimates.as_answer: an estimate before a job starts."""

    warnings_by_field = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="`warnings`, each under the field that it is about, such as hyperparameters.rank",
    )
    offers = OfferOutput(many=True, help_text="what every GPU type on offer would make of it, dearest first")
    cheapest = serializers.CharField(allow_blank=True, help_text="the type that fits and costs least; empty: none does")
    fastest = serializers.CharField(allow_blank=True, help_text="the type that fits and is done first; empty: none is")


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


def _documented(field: presets.Field) -> serializers.Field[Any, Any, Any, Any]:
    if field.choices:
        return serializers.ChoiceField(field.choices, help_text=field.help)
    if field.is_flag:
        return serializers.BooleanField(help_text=field.help)
    if field.is_whole:
        return serializers.IntegerField(help_text=f"{field.help} Must be {field.requirement}.")
    return serializers.FloatField(help_text=f"{field.help} Must be {field.requirement}.")
