"""What jobs cost: each bill, what they add up to, and the bills for a spreadsheet."""

from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import spreadsheet
from jobs import selectors
from jobs.api.files import AnyAccepted
from jobs.api.inputs import CostsQuery, CostsSpanQuery, CostsSummaryQuery, PageQuery
from jobs.api.outputs.costs import CostsAnswer, CostsSummaryOutput, JobCostOutput, summary_json
from jobs.ledger import report, sheet
from jobs.ledger.span import DEFAULT_RANGE, BadDates, Span, span


class CostListView(generics.GenericAPIView[Any]):
    list_key = "costs"
    serializer_class = JobCostOutput

    @extend_schema(parameters=[CostsQuery, PageQuery], responses=CostsAnswer)
    def get(self, request: Request) -> Response:
        """Cost records of one's own jobs, newest first, and the `total` of all that match, whatever the page."""
        query = CostsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chosen = query.validated_data
        records = selectors.cost_list(
            caller(request),
            recorded_from=chosen.get("from"),
            recorded_to=chosen.get("to"),
            job_id=chosen.get("job"),
        )
        page = self.get_paginated_response(JobCostOutput(self.paginate_queryset(records), many=True).data)
        page.data["total"] = float(selectors.cost_total(records))
        return page


class CostSummaryView(generics.GenericAPIView[Any]):
    list_key = "groups"
    serializer_class = CostsSummaryOutput

    @extend_schema(parameters=[CostsSummaryQuery, PageQuery], responses=CostsSummaryOutput)
    def get(self, request: Request) -> Response:
        """What one's own jobs cost in a span of days (UTC): in all, in the span before, and by `group`.

        `groups` are pages; `total` and what stands beside it are of the whole span.
        """
        query = CostsSummaryQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chosen, user = query.validated_data, caller(request)
        asked, group = _span(chosen), chosen["group"]
        totals = report.totals(user, asked)
        rows = self.paginate_queryset(report.lines(user, asked.days, group, sort=chosen["sort"]))
        lines = [report.line(row, asked.days, group, totals.now.cost) for row in rows or []]
        page = self.get_paginated_response([])
        page.data |= summary_json(asked, totals, group, lines, report.forgotten(user, asked.days))
        return page


class CostCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[CostsSpanQuery], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> Any:
        """Each cost record of a span of days (UTC), the oldest first; `amount_usd` adds up to the summary's `total`.

        `basis` is cluster (its bill), timestamps (its start and end) or observed (our clock: an estimate). Text that a
        spreadsheet would take for a formula has an apostrophe before it.
        """
        query = CostsSpanQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        days = _span(query.validated_data).days
        return StreamingHttpResponse(
            spreadsheet.pieces(chain([tuple(sheet.COLUMNS)], sheet.rows(caller(request), days))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="costs-{days.first}-{days.last}.csv"'},
        )


def _span(chosen: dict[str, Any]) -> Span:
    """Raises ValidationError. Dates alone mean custom dates."""
    has_dates = "from" in chosen or "to" in chosen
    key = chosen.get("range") or ("custom" if has_dates else DEFAULT_RANGE)
    try:
        return span(key, today=timezone.now().date(), first=chosen.get("from"), last=chosen.get("to"))
    except BadDates as bad:
        raise ValidationError({field: [problem] for field, problem in bad.problems.items()}) from None
