"""Jobs side by side: as JSON, and as a table."""

import csv
from io import StringIO
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from jobs import comparisons, selectors
from jobs.api.files import AnyAccepted
from jobs.api.inputs import CompareQuery
from jobs.api.outputs.comparison import ComparisonAnswer
from jobs.api.outputs.job import JobSummaryOutput


class JobCompareView(APIView):
    @extend_schema(parameters=[CompareQuery], responses=ComparisonAnswer)
    def get(self, request: Request) -> Response:
        """Two to eight jobs side by side: what came of each, and their settings.

        The lowest validation losses are marked as the best where all are measured on the same data: the same file, or
        the same part held out of the same dataset, cut alike. Else `validation.reason` says why they are not.
        """
        found = _comparison(request)
        return Response({"jobs": JobSummaryOutput(found.jobs, many=True).data, **found.as_json()})


class JobCompareCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[CompareQuery], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> Any:
        """The same as a table with a column per job. What a spreadsheet would execute gets an apostrophe."""
        text = StringIO()
        csv.writer(text).writerows(_comparison(request).rows())
        return HttpResponse(
            text.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="comparison.csv"'},
        )


def _comparison(request: Request) -> comparisons.Comparison:
    query = CompareQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    jobs = selectors.jobs_of(caller(request), query.validated_data["ids"])
    return comparisons.compare(jobs, now=timezone.now())
