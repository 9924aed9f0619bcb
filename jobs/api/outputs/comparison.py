"""Jobs side by side."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from jobs.api.outputs.job import JobSummaryOutput


class ComparedResultOutput(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(help_text="status, best_validation_loss, seconds, cost …")
    label = serializers.CharField(help_text="the same in words")  # type: ignore[assignment]
    values = serializers.ListField(
        child=serializers.JSONField(allow_null=True), help_text="one per job, in the order of `jobs`; null: not known"
    )
    best = serializers.ListField(child=serializers.BooleanField(), help_text="which of them is the best of all")


class ComparedSettingOutput(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    label = serializers.CharField(help_text="the same in words")  # type: ignore[assignment]
    values = serializers.ListField(
        child=serializers.JSONField(allow_null=True), help_text="one per job, in the order of `jobs`"
    )
    differs = serializers.BooleanField(help_text="not the same for all of them")


class ComparableOutput(serializers.Serializer[dict[str, Any]]):
    comparable = serializers.BooleanField(help_text="all validation losses are measured on the same data")
    reason = serializers.CharField(help_text="why not, in a sentence; empty where they are")


ComparisonAnswer = inline_serializer(
    "ComparisonAnswer",
    {
        "jobs": JobSummaryOutput(many=True),
        "results": ComparedResultOutput(many=True),
        "settings": ComparedSettingOutput(many=True),
        "validation": ComparableOutput(),
    },
)
