"""Answers that are files instead of JSON."""

from datasets.api.files import AnyAccepted
from jobs.models import TrainingJob

__all__ = ["AnyAccepted", "disposition"]


def disposition(kind: str, job: TrainingJob, noun: str, ending: str) -> str:
    """Content-Disposition, `kind` inline or attachment; the name comes from the id: a job's name may hold anything."""
    return f'{kind}; filename="job-{job.short_id}-{noun}.{ending}"'
