"""What clients may send. These check shape and types; jobs.presets and the services check what values mean.

A key that does not exist is refused with the one that was probably meant: silently ignoring `num_gpus`
would start another job than the one asked for.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from jobs import budget, presets, resumption, selectors, sentinel, series
from jobs.comparisons import LEAST, MOST, fits
from jobs.ledger import report
from jobs.ledger.span import DEFAULT_RANGE, RANGES
from jobs.states import Status

MAX_COUNT = 2**31 - 1  # what every database can compare with
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


def idempotency_key(request: Request) -> str | None:
    """The request's Idempotency-Key, or None without one. Raises ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _PRINTABLE.fullmatch(key):
        raise ValidationError({"Idempotency-Key": ["Must be 1 to 255 printable ASCII characters."]})
    return key


class StrictSerializer(serializers.Serializer[dict[str, Any]]):
    """A serializer that refuses keys it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = self.known_keys()
            unknown = {key: [presets.unknown_key(key, known)] for key in data if key not in self.fields}
            if unknown:
                raise ValidationError(unknown)
        return super().to_internal_value(data)

    def known_keys(self) -> tuple[str, ...]:
        return tuple(self.fields)


class HyperparametersInput(serializers.Serializer[dict[str, Any]]):
    """Documentation of what may be set (jobs.presets.resolve checks it); what is left out is the preset's."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {field.name: _documented(field) for field in presets.FIELDS.values()}


class GpuConfigInput(serializers.Serializer[dict[str, Any]]):
    """Documentation of gpu_config (jobs.presets.resolve_gpus checks it)."""

    type = serializers.CharField(help_text="one of /api/gpu-types")
    count = serializers.IntegerField(min_value=1, max_value=presets.MAX_GPUS, default=1)


@extend_schema_field(HyperparametersInput)
class HyperparametersField(serializers.DictField):
    pass


@extend_schema_field(GpuConfigInput)
class GpuConfigField(serializers.DictField):
    pass


@extend_schema_field(
    {"type": "number", "minimum": float(budget.LEAST), "maximum": float(budget.MOST), "nullable": True}
)
class BudgetField(serializers.Field[Any, Any, Any, Any]):
    """Dollars and whole cents (jobs.budget.checked checks it)."""

    def __init__(self, help_text: str) -> None:
        super().__init__(required=False, allow_null=True, help_text=help_text)

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {
        "type": "object",
        "nullable": True,
        "additionalProperties": False,
        "properties": {
            kind.value: {
                "type": "string",
                "enum": [action.value for action in sentinel.Action],
                "default": action.value,
            }
            for kind, action in sentinel.DEFAULTS.items()
        },
    }
)
class SentinelField(serializers.Field[Any, Any, Any, Any]):
    """What is done about each finding (jobs.sentinel.checked checks it)."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class ConfigurationInput(StrictSerializer):
    """What an estimate is made from."""

    dataset_id = serializers.UUIDField()
    dataset_sha256 = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, help_text="refused where the dataset's file is another one by now"
    )
    validation_dataset_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="evaluated on instead of a part of the dataset"
    )
    preset_id = serializers.CharField(default=presets.DEFAULT_PRESET, max_length=64)
    gpu_config = GpuConfigField()
    hyperparameters = HyperparametersField(default=dict)
    base_model = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="name of one of /api/base-models; empty: the default"
    )
    max_cost = BudgetField(
        "budget in dollars: a warning at 80 % of it, and a stop that keeps the adapter before the job costs more"
    )

    def known_keys(self) -> tuple[str, ...]:
        inner = (f"hyperparameters.{name}" for name in presets.FIELDS)
        return (*self.fields, "gpu_config.type", "gpu_config.count", *inner)


class JobInput(ConfigurationInput):
    """A new job."""

    name = serializers.CharField(default="", allow_blank=True, max_length=200, help_text="empty: made from the dataset")
    sentinel = SentinelField(required=False, allow_null=True, help_text="what is done where the run goes wrong")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": [resumption.LATEST, resumption.BEST]},
            {
                "type": "object",
                "required": ["step"],
                "properties": {name: {"type": "integer"} for name in ("attempt", "restart", "step")},
            },
        ]
    }
)
class CheckpointField(serializers.Field[Any, Any, Any, Any]):
    """A checkpoint of a job: "latest", "best", or {step, attempt?, restart?}."""

    def to_internal_value(self, data: Any) -> str | dict[str, int]:
        if data in (resumption.LATEST, resumption.BEST):
            return str(data)
        if not isinstance(data, dict):
            raise ValidationError('Must be "latest", "best" or {"step": …}.')
        known = ("attempt", "restart", "step")
        unknown = [presets.unknown_key(key, known) for key in data if key not in known]
        if unknown or "step" not in data:
            raise ValidationError(unknown or ["Must name a step."])
        if not all(type(value) is int and 0 <= value <= MAX_COUNT for value in data.values()):
            raise ValidationError(f"Step, attempt and restart must be whole numbers from 0 to {MAX_COUNT}.")
        return data


class RetryInput(StrictSerializer):
    """What differs from the ended job."""

    resume_from = CheckpointField(required=False, allow_null=True, help_text="go on from a checkpoint of the job")
    hyperparameters = HyperparametersField(default=dict)
    name = serializers.CharField(default="", allow_blank=True, max_length=200, help_text="empty: the ended job's")
    sentinel = SentinelField(required=False, allow_null=True, help_text="rules that change; the others stay")
    max_cost = BudgetField("budget of the new job; left out: as large as the ended job's, null: none")

    def known_keys(self) -> tuple[str, ...]:
        return (*self.fields, *(f"hyperparameters.{name}" for name in presets.FIELDS))


class LogsQuery(serializers.Serializer[dict[str, Any]]):
    download = serializers.BooleanField(default=False, help_text="the whole log as a text file")
    after = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_COUNT,
        help_text="only lines after this many: a former answer's total_lines",
    )


class CancelInput(StrictSerializer):
    keep_adapter = serializers.BooleanField(default=False, help_text="save what has been learned so far, if possible")


class AttachInput(StrictSerializer):
    external_job_id = serializers.CharField(max_length=200, help_text="the job's id at its cluster")


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": [status.value for status in Status]}})
class StatusesField(serializers.Field[list[str], Any, list[str], Any]):
    """Statuses from ?status=running&status=queued or ?status=running,queued."""

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        given = dictionary.getlist(str(self.field_name)) if isinstance(dictionary, QueryDict) else []
        return [status for text in given for status in text.split(",") if status]

    def to_internal_value(self, data: list[str]) -> list[str]:
        known = [status.value for status in Status]
        for status in data:
            if status not in known:
                raise ValidationError(presets.unknown_key(status, known))
        return data


class JobsQuery(serializers.Serializer[dict[str, Any]]):
    status = StatusesField(default=list)
    search = serializers.CharField(default="", allow_blank=True, max_length=200)
    ordering = serializers.ChoiceField(
        [sign + name for name in selectors.ORDERINGS for sign in ("", "-")], default="-created_at"
    )
    dataset = serializers.UUIDField(required=False)
    base_model = serializers.CharField(required=False, max_length=200)
    gpu_type = serializers.CharField(required=False, max_length=200)
    created_from = serializers.DateTimeField(required=False, help_text="created at or after")
    created_before = serializers.DateTimeField(required=False, help_text="created before")


@extend_schema_field({"type": "string", "description": f"{LEAST} to {MOST} ids of jobs, with commas between them"})
class JobIdsField(serializers.Field[list[uuid.UUID], Any, list[uuid.UUID], Any]):
    """?ids=ID,ID or ?ids=ID&ids=ID: each once."""

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        given = dictionary.getlist(str(self.field_name)) if isinstance(dictionary, QueryDict) else []
        return [text for each in given for text in each.split(",") if text]

    def to_internal_value(self, data: list[str]) -> list[uuid.UUID]:
        try:
            ids = list(dict.fromkeys(uuid.UUID(text) for text in data))
        except ValueError:
            raise ValidationError("Must be ids of jobs, with commas between them.") from None
        if not fits(len(ids)):
            raise ValidationError(f"Must be {LEAST} to {MOST} different jobs, not {len(ids)}.")
        return ids


class CompareQuery(serializers.Serializer[dict[str, Any]]):
    ids = JobIdsField()


class PointsQuery(serializers.Serializer[dict[str, Any]]):
    since = serializers.IntegerField(default=0, min_value=0, help_text="`next` of an earlier answer: only what is new")
    max_points = serializers.IntegerField(
        default=series.DEFAULT_POINTS, min_value=series.MIN_POINTS, max_value=series.MAX_POINTS
    )


class StepsQuery(serializers.Serializer[dict[str, Any]]):
    """A range of steps; without it all of them. `steps` of the validated data is a jobs.series.Steps."""

    from_step = serializers.IntegerField(
        required=False, min_value=0, max_value=series.LAST_STEP, help_text="the first step of a range, itself included"
    )
    to_step = serializers.IntegerField(
        required=False, min_value=0, max_value=series.LAST_STEP, help_text="the last step of a range, itself included"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        chosen = dict(attrs)
        steps = series.Steps(chosen.pop("from_step", 0), chosen.pop("to_step", series.LAST_STEP))
        if steps.first > steps.last:
            raise ValidationError({"to_step": [f"Must be at least from_step, which is {steps.first}."]})
        return {**chosen, "steps": steps}


class PointsOfStepsQuery(StepsQuery, PointsQuery):
    """Points of a range of steps: the narrower it is, the finer they are."""


class PageQuery(serializers.Serializer[dict[str, Any]]):
    """Documentation of what the paginator reads."""

    page = serializers.IntegerField(default=1, min_value=1)
    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)


class CostsQuery(serializers.Serializer[dict[str, Any]]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            "from": serializers.DateTimeField(required=False, help_text="recorded at or after"),
            "to": serializers.DateTimeField(required=False, help_text="recorded before"),
            "job": serializers.UUIDField(required=False),
        }


class CostsSpanQuery(serializers.Serializer[dict[str, Any]]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        of_custom = "with range=custom, which is meant where a date is given and no range"
        return {
            "range": serializers.ChoiceField(list(RANGES), required=False, help_text=f"default: {DEFAULT_RANGE}"),
            "from": serializers.DateField(required=False, help_text=f"the first day, UTC; {of_custom}"),
            "to": serializers.DateField(required=False, help_text="the last day, included"),
        }


class CostsSummaryQuery(CostsSpanQuery):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        sorts = [f"{sign}{name}" for name in report.SORTS for sign in ("", "-")]
        return {
            **super().get_fields(),
            "group": serializers.ChoiceField(list(report.GROUPS), default=report.DEFAULT_GROUP),
            "sort": serializers.ChoiceField(sorts, default="-cost"),
        }


def _documented(field: presets.Field) -> serializers.Field[Any, Any, Any, Any]:
    if field.choices:
        return serializers.ChoiceField(field.choices, required=False, help_text=field.help)
    if field.is_flag:
        return serializers.BooleanField(required=False, help_text=field.help)
    kind = serializers.IntegerField if field.is_whole else serializers.FloatField
    return kind(required=False, help_text=_explained(field))


def _explained(field: presets.Field) -> str:
    zero = f" 0: {field.zero}." if field.zero else ""
    return f"{field.help} Must be {field.requirement}.{zero}"
