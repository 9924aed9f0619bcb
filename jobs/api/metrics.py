"""A job's points: for charts, and all of them as CSV."""

import uuid
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import spreadsheet
from jobs import selectors, series
from jobs.api.files import AnyAccepted, disposition
from jobs.api.inputs import PointsOfStepsQuery, StepsQuery
from jobs.api.outputs.run import MetricsPointOutput

MetricsAnswer = inline_serializer(
    "MetricsAnswer",
    {
        "metrics": MetricsPointOutput(many=True),
        "total": serializers.IntegerField(help_text="points stored"),
        "matching": serializers.IntegerField(help_text="points stored of the steps, and since the cursor, asked for"),
        "superseded": serializers.IntegerField(help_text="of `total`, how many were trained again since"),
        "matching_superseded": serializers.IntegerField(help_text="of `matching`, how many were trained again since"),
        "next": serializers.IntegerField(help_text="send it as `since` to get only what is new"),
    },
)


class JobMetricsView(APIView):
    @extend_schema(parameters=[PointsOfStepsQuery], responses=MetricsAnswer)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """Points in step order, at most `max_points`, the extremes of every metric among them.

        A range, `from_step` to `to_step`, gives the points of these steps alone, with extremes of their own: the
        narrower the range, the finer the curve. A point that stands for others says for how many, and their means.
        """
        job = selectors.job_get(caller(request), job_id)
        query = PointsOfStepsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chart = series.chart(job, **query.validated_data)
        told = {
            name: getattr(chart, name) for name in ("total", "matching", "superseded", "matching_superseded", "next")
        }
        return Response({"metrics": chart.points, **told})


class JobMetricsCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[StepsQuery], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """Every stored point, or those of a range of steps.

        Cells hold numbers and times alone: nothing that a spreadsheet would execute.
        """
        job = selectors.job_get(caller(request), job_id)
        query = StepsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        return StreamingHttpResponse(
            spreadsheet.pieces(chain([series.POINT_COLUMNS], series.every_point(job, query.validated_data["steps"]))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": disposition("attachment", job, "metrics", "csv")},
        )
