"""A job's points: for charts, and all of them as CSV."""

import csv
import uuid
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from jobs import selectors, series
from jobs.api.files import AnyAccepted, disposition
from jobs.api.inputs import PointsQuery
from jobs.api.outputs import MetricsPointOutput
from jobs.models import TrainingJob

MetricsAnswer = inline_serializer(
    "MetricsAnswer",
    {
        "metrics": MetricsPointOutput(many=True),
        "total": serializers.IntegerField(help_text="points stored"),
        "next": serializers.IntegerField(help_text="send it as `since` to get only what is new"),
    },
)


class JobMetricsView(APIView):
    @extend_schema(parameters=[PointsQuery], responses=MetricsAnswer)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """Points in step order, at most `max_points`, the extremes of every metric among them."""
        query = PointsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chart = series.chart(selectors.job_get(caller(request), job_id), **query.validated_data)
        return Response({"metrics": chart.points, "total": chart.total, "next": chart.next})


class JobMetricsCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """Every stored point. Cells hold numbers and times alone: nothing that a spreadsheet would execute."""
        job = selectors.job_get(caller(request), job_id)
        return StreamingHttpResponse(
            _csv_lines(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": disposition("attachment", job, "metrics", "csv")},
        )


class _Echo:
    """A "file" for csv that hands each line back, so that it can be sent instead of kept."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(job: TrainingJob) -> Iterator[str]:
    writer = csv.writer(_Echo())
    rows = series.every_point(job)
    yield writer.writerow(series.POINT_COLUMNS)
    for row in rows:
        yield writer.writerow(row)
