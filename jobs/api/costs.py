"""What jobs cost."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from jobs import selectors
from jobs.api.inputs import CostsQuery, PageQuery
from jobs.api.outputs.run import CostsAnswer, JobCostOutput


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
