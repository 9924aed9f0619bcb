"""Jobs side by side."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from jobs import comparisons, selectors
from jobs.exceptions import JobNotFound
from jobs.models import TrainingJob
from jobs.views.parts import page_or_part

PARTS = {"tables": "jobs/compare/tables.html", "picker": "jobs/compare/found.html"}
MOST_LOOKED_UP = 50
OFFERED = 8


@dataclass(frozen=True)
class Column:
    """A job as a column: the number of its colour and dash, and the address of the comparison without it."""

    job: TrainingJob
    number: int
    without: str


@dataclass(frozen=True)
class Cell:
    job: TrainingJob
    value: Any
    shown: str
    note: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class Row:
    name: str
    label: str
    differs: bool
    cells: list[Cell]


@login_required
@never_cache
@require_safe
def job_compare(request: HttpRequest) -> HttpResponseBase:
    """`?jobs=ID,ID,…` side by side. An id of nobody's, or of somebody else's, is not found.

    Fewer than two, or more than eight, are a page that says so and lets one choose. `find` searches jobs to add.
    """
    user = caller(request)
    jobs = _jobs(user, request.GET.getlist("jobs"))
    ids = [str(job.pk) for job in jobs]
    comparison = comparisons.compare(jobs, now=timezone.now()) if comparisons.fits(len(jobs)) else None
    find = request.GET.get("find", "").strip()[:200]
    context: dict[str, Any] = {
        "columns": _columns(jobs),
        "ids": ",".join(ids),
        "comparison": comparison,
        "results": _results(comparison) if comparison else [],
        "settings": _settings(comparison) if comparison else [],
        "too_many": len(jobs) > comparisons.MOST,
        "can_add": len(jobs) < comparisons.MOST,
        "find": find,
        "found": [(job, _address([*ids, str(job.pk)])) for job in _others(user, find, ids)],
    }
    return page_or_part(request, page="jobs/compare.html", parts=PARTS, context=context)


def _jobs(user: User, said: Sequence[str]) -> list[TrainingJob]:
    texts = dict.fromkeys(text for each in said for text in each.split(",") if text)
    try:
        ids = list(dict.fromkeys(uuid.UUID(text) for text in texts))[:MOST_LOOKED_UP]
        return selectors.jobs_of(user, ids)
    except (ValueError, JobNotFound):
        raise Http404 from None


def _columns(jobs: Sequence[TrainingJob]) -> list[Column]:
    ids = [str(job.pk) for job in jobs]
    return [
        Column(job, number, _address([other for other in ids if other != str(job.pk)]))
        for number, job in enumerate(jobs, start=1)
    ]


def _results(comparison: comparisons.Comparison) -> list[Row]:
    return [
        Row(
            row.name,
            row.label,
            True,
            [Cell(*cell) for cell in zip(comparison.jobs, row.values, row.shown, row.notes, row.best, strict=True)],
        )
        for row in comparison.results
    ]


def _settings(comparison: comparisons.Comparison) -> list[Row]:
    return [
        Row(
            row.name,
            row.label,
            row.differs,
            [Cell(*cell) for cell in zip(comparison.jobs, row.values, row.shown, strict=True)],
        )
        for row in comparison.settings
    ]


def _others(user: User, find: str, ids: Sequence[str]) -> list[TrainingJob]:
    """The newest jobs that can be added."""
    return list(selectors.job_list(user, search=find).exclude(pk__in=ids)[:OFFERED])


def _address(ids: Sequence[str]) -> str:
    return f"?jobs={','.join(ids)}"
