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
_LOOKS = {str(look) for look in range(1, comparisons.MOST + 1)}


@dataclass(frozen=True)
class Column:
    """A job as a column: the number of its look (colour and dash), and the address of the comparison without it."""

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

    `looks` says which of eight looks each has, so that a job keeps its own when another one comes or goes.
    Fewer than two, or more than eight, are a page that says so and lets one choose. `find` searches jobs to add.
    """
    user = caller(request)
    jobs = _jobs(user, request.GET.getlist("jobs"))
    looks = _looks(request.GET.get("looks", ""), len(jobs))
    ids = [str(job.pk) for job in jobs]
    shown = list(zip(ids, looks, strict=True))
    comparison = comparisons.compare(jobs, now=timezone.now()) if comparisons.fits(len(jobs)) else None
    find = request.GET.get("find", "").strip()[:200]
    context: dict[str, Any] = {
        "columns": _columns(jobs, looks),
        "ids": ",".join(ids),
        "looks": _written(looks),
        "comparison": comparison,
        "results": _results(comparison) if comparison else [],
        "settings": _settings(comparison) if comparison else [],
        "too_many": len(jobs) > comparisons.MOST,
        "can_add": len(jobs) < comparisons.MOST,
        "find": find,
        "found": [(job, _address([*shown, (str(job.pk), _free(looks))])) for job in _others(user, find, ids)],
    }
    return page_or_part(request, page="jobs/compare.html", parts=PARTS, context=context)


def _jobs(user: User, said: Sequence[str]) -> list[TrainingJob]:
    texts = dict.fromkeys(text for each in said for text in each.split(",") if text)
    try:
        ids = list(dict.fromkeys(uuid.UUID(text) for text in texts))[:MOST_LOOKED_UP]
        return selectors.jobs_of(user, ids)
    except (ValueError, JobNotFound):
        raise Http404 from None


def _looks(said: str, count: int) -> list[int]:
    """A look for each of the jobs, from 1 on: as said where that is one of eight and not taken, else the first free."""
    wanted = [int(text) if text in _LOOKS else 0 for text in said.split(",")][:count]
    looks: list[int] = []
    for place in range(count):
        look = wanted[place] if place < len(wanted) else 0
        looks.append(_free([*looks, *wanted]) if not look or look in looks else look)
    return looks


def _free(looks: Sequence[int]) -> int:
    return next(look for look in range(1, len(looks) + 2) if look not in looks)


def _columns(jobs: Sequence[TrainingJob], looks: Sequence[int]) -> list[Column]:
    pairs = [(str(job.pk), look) for job, look in zip(jobs, looks, strict=True)]
    return [
        Column(job, looks[place], _address([*pairs[:place], *pairs[place + 1 :]])) for place, job in enumerate(jobs)
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


def _written(looks: Sequence[int]) -> str:
    """ "" where each has the look of its place."""
    return "" if list(looks) == list(range(1, len(looks) + 1)) else ",".join(map(str, looks))


def _address(pairs: Sequence[tuple[str, int]]) -> str:
    """Of the comparison of these jobs, each an id and its look."""
    looks = _written([look for _, look in pairs])
    return f"?jobs={','.join(id for id, _ in pairs)}" + (f"&looks={looks}" if looks else "")
