"""A job's points: for charts, and all of them as CSV."""

import csv
import uuid
from collections.abc import Iterator
from io import StringIO
from itertools import chain, islice
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
from jobs.api.outputs.run import MetricsPointOutput
from jobs.models import TrainingJob

LINES_PER_PIECE = 1000

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
        job = selectors.job_get(caller(request), job_id)
        query = PointsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chart = series.chart(job, **query.validated_data)
        return Response({"metrics": chart.points, "total": chart.total, "next": chart.next})


class JobMetricsCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """Every stored point. Cells hold numbers and times alone: nothing that a spreadsheet would execute."""
        job = selectors.job_get(caller(request), job_id)
        return StreamingHttpResponse(
            _csv(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": disposition("attachment", job, "metrics", "csv")},
        )


def _csv(job: TrainingJob) -> Iterator[str]:
    """The file in pieces of many lines: sending each line by itself would take far longer."""
    rows = chain([series.POINT_COLUMNS], series.every_point(job))
    while some := list(islice(rows, LINES_PER_PIECE)):
        piece = StringIO()
        csv.writer(piece).writerows(some)
        yield piece.getvalue()
