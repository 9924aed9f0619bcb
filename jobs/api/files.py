"""Answers that are files instead of JSON."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from jobs.models import TrainingJob


class AnyAccepted(BaseContentNegotiation):
    """Whatever Accept says: the URL's ending chose the type, and errors are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def disposition(kind: str, job: TrainingJob, noun: str, ending: str) -> str:
    """Content-Disposition, `kind` inline or attachment; the name comes from the id: a job's name may hold anything."""
    return f'{kind}; filename="job-{job.short_id}-{noun}.{ending}"'
