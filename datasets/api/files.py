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
from datasets.findings import FindingsFile, findings_file
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
        return _attached(findings_file(dataset_get(user=caller(request), dataset_id=dataset_id), "csv"))


class FindingsJsonLines(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def get(self, request: Request, dataset_id: UUID) -> Any:
        """All findings of its last validation, an object on each line."""
        return _attached(findings_file(dataset_get(user=caller(request), dataset_id=dataset_id), "jsonl"))


def _attached(file: FindingsFile) -> StreamingHttpResponse:
    return StreamingHttpResponse(file.pieces, headers=file.headers)
