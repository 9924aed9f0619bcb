"""Answers that are files instead of JSON."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import findings
from datasets.selectors import dataset_get


class AnyAccepted(BaseContentNegotiation):
    """Whatever Accept says: the URL's ending chose the type, and errors are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class FindingsCsv(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, dataset_id: UUID) -> Any:
        """All findings of its last validation as a table; no cell holds what a spreadsheet would execute."""
        rows = findings.all_rows(dataset_get(user=caller(request), dataset_id=dataset_id))
        return _attached(dataset_id, "csv", findings.as_csv(rows), "text/csv; charset=utf-8")


class FindingsJsonLines(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def get(self, request: Request, dataset_id: UUID) -> Any:
        """All findings of its last validation, an object on each line."""
        rows = findings.all_rows(dataset_get(user=caller(request), dataset_id=dataset_id))
        return _attached(dataset_id, "jsonl", findings.as_json_lines(rows), "application/jsonl")


def _attached(dataset_id: UUID, ending: str, pieces: Any, content_type: str) -> StreamingHttpResponse:
    """The name comes from the id: a file's name may hold anything."""
    name = f'attachment; filename="dataset-{str(dataset_id)[:8]}-findings.{ending}"'
    return StreamingHttpResponse(pieces, content_type=content_type, headers={"Content-Disposition": name})
