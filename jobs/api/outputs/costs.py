"""What jobs cost."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from jobs.api.outputs.run import CostRecordOutput, PaginationOutput
from jobs.ledger.report import FORGOTTEN_SHOWN, GROUPS, Figures, Line, Totals
from jobs.ledger.span import RANGES, Span
from jobs.models import JobEvent


class JobCostOutput(CostRecordOutput):
    """A cost record in a list over several jobs."""

    job_id = serializers.UUIDField()
    job_name = serializers.CharField(source="job.name")

    class Meta(CostRecordOutput.Meta):
        fields = (*CostRecordOutput.Meta.fields, "job_id", "job_name")


CostsAnswer = inline_serializer(
    "CostsAnswer",
    {
        "costs": JobCostOutput(many=True),
        "total": serializers.FloatField(help_text="US dollars of all records that match, whatever the page"),
        "pagination": PaginationOutput(),
    },
)


class _FiguresOutput(serializers.Serializer[dict[str, Any]]):
    """Documentation of `_figures`; money is in US dollars."""

    cost = serializers.FloatField()
    failed = serializers.FloatField(help_text="of `cost`: jobs that failed")
    cancelled = serializers.FloatField(help_text="of `cost`: jobs that were cancelled")
    estimated = serializers.FloatField(help_text="of `cost`: by our own clock, where the cluster said nothing")
    jobs = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="records of GPUs without a price, which count 0")
    gpu_hours = serializers.FloatField()


class CostGroupOutput(_FiguresOutput):
    key = serializers.CharField(help_text="the first day, the id or the name")
    name = serializers.CharField()
    share = serializers.FloatField(allow_null=True, help_text="of the total, 0 to 1")


class _RunningOutput(serializers.Serializer[dict[str, Any]]):
    jobs = serializers.IntegerField(help_text="active ones")
    so_far = serializers.FloatField(help_text="not billed yet, so no part of `total`")
    projected = serializers.FloatField(allow_null=True, help_text="of the same, when they will have ended")
    without_estimate = serializers.IntegerField()


class _ForgottenOutput(serializers.Serializer[dict[str, Any]]):
    job_id = serializers.UUIDField()
    job_name = serializers.CharField()
    message = serializers.CharField(help_text="which run was found, at which cluster")
    found_at = serializers.DateTimeField()


class CostsSummaryOutput(_FiguresOutput):
    range = serializers.ChoiceField(list(RANGES))
    group = serializers.ChoiceField(list(GROUPS))
    first = serializers.DateField(help_text="UTC")
    last = serializers.DateField(help_text="included")
    total = serializers.FloatField(help_text="`cost` of the span")
    before = inline_serializer(
        "CostsBefore",
        {"first": serializers.DateField(), "last": serializers.DateField(), "total": serializers.FloatField()},
    )
    change = serializers.FloatField(allow_null=True, help_text="against the span before: 0.1 is 10 % more")
    running = _RunningOutput()
    forgotten = _ForgottenOutput(
        many=True,
        help_text="runs that nobody followed, found at a cluster in the span: no bill holds what they cost. "
        f"The {FORGOTTEN_SHOWN} newest, and one more where there are more.",
    )
    groups = CostGroupOutput(many=True)
    pagination = PaginationOutput()


def summary_json(
    span: Span, totals: Totals, group: str, lines: Sequence[Line], forgotten: Sequence[JobEvent]
) -> dict[str, Any]:
    """All of a CostsSummaryOutput but its pagination."""
    running = totals.running
    return {
        **_figures(totals.now),
        "range": span.key,
        "group": group,
        "first": span.days.first,
        "last": span.days.last,
        "total": float(totals.now.cost),
        "before": {"first": span.before.first, "last": span.before.last, "total": float(totals.before)},
        "change": totals.change,
        "running": {
            "jobs": running.jobs,
            "so_far": float(running.so_far),
            "projected": None if running.projected is None else float(running.projected),
            "without_estimate": running.unknown,
        },
        "forgotten": [
            {
                "job_id": event.job_id,
                "job_name": event.job.name,
                "message": event.message,
                "found_at": event.created_at,
            }
            for event in forgotten
        ],
        "groups": [
            {"key": str(line.key), "name": line.name, "share": line.share, **_figures(line.figures)} for line in lines
        ],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "cost": float(figures.cost),
        "failed": float(figures.failed),
        "cancelled": float(figures.cancelled),
        "estimated": float(figures.observed),
        "jobs": figures.jobs,
        "unpriced": figures.unpriced,
        "gpu_hours": figures.seconds / 3600,
    }
