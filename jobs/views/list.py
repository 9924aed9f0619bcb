"""The list of one's own jobs."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from datasets import selectors as dataset_selectors
from jobs import listing, selectors
from jobs.models import TrainingJob
from jobs.states import CANCELLABLE, Status
from jobs.templatetags.figures import BADGES
from jobs.views.parts import page_or_part

PARTS = {"results": "jobs/list/results.html"}
HEADS = {
    "name": "Job",
    "status": "Status",
    "progress": "Progress",
    "training_loss": "Training loss",
    "validation_loss": "Validation loss",
    "cost": "Cost",
    "created_at": "Created",
}
NUMBERS = {"validation_loss", "cost"}  # columns whose figures line up at the right


@login_required
@never_cache
@require_safe
def job_list(request: HttpRequest) -> HttpResponseBase:
    """One's own jobs. The address says which, in which order and how many at once (jobs.listing)."""
    query, user = listing.parse(request.GET.dict()), caller(request)
    counts = selectors.status_counts(_jobs(user, query, with_status=False))
    page = _page(user, query, counts, request.GET.get("page"))
    used = selectors.used(user)
    context: dict[str, Any] = {
        "query": query,
        "page": page,
        "address": query.address().removeprefix("?"),
        "tabs": _tabs(query, counts),
        "heads": [_head(query, column) for column in HEADS],
        "chips": _chips(query, used),
        "sizes": [(size, query.address(size=size), size == query.size) for size in listing.SIZES],
        "used": used,
        "has_any": bool(used.datasets),
        "has_data": bool(used.datasets) or _has_data(user),
        "cancellable": CANCELLABLE,
    }
    return page_or_part(request, page="jobs/list.html", parts=PARTS, context=context)


@dataclass(frozen=True)
class Tab:
    label: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True)
class Head:
    column: str
    label: str
    address: str
    direction: str
    is_number: bool


def _jobs(user: User, query: listing.Query, *, with_status: bool) -> Any:
    return selectors.job_list(
        user,
        statuses=query.statuses if with_status else (),
        search=query.search,
        ordering=query.sort,
        dataset_id=query.dataset,
        base_model=query.base_model,
        gpu_type=query.gpu,
        created_from=query.created_from,
        created_before=query.created_before,
    )


def _page(user: User, query: listing.Query, counts: dict[str, int], number: str | None) -> Page[TrainingJob]:
    total = sum(counts.get(status, 0) for status in query.statuses or Status)
    paginator = Paginator(_jobs(user, query, with_status=True), query.size)
    paginator.count = total  # known already: it need not ask
    return paginator.get_page(number)


def _tabs(query: listing.Query, counts: dict[str, int]) -> list[Tab]:
    """All, the two groups, and each status that a job is in, so that tabs are few."""
    shown = [status for status in Status if counts.get(status) or query.status == status]
    labels = {"": "All", listing.ACTIVE_ONES: "Active", listing.ENDED_ONES: "Ended"}
    labels |= {status.value: BADGES[status][0].rstrip("…") for status in shown}
    return [
        Tab(label, _total(status, counts), query.address(status=status), status == query.status)
        for status, label in labels.items()
    ]


def _total(status: str, counts: dict[str, int]) -> int:
    statuses = listing.Query(status=status).statuses or Status
    return sum(counts.get(each, 0) for each in statuses)


def _head(query: listing.Query, column: str) -> Head:
    address = query.address(sort=query.sorted_by(column))
    return Head(column, HEADS[column], address, query.direction(column), column in NUMBERS)


def _chips(query: listing.Query, used: selectors.Used) -> list[tuple[str, str, str]]:
    """(what, value, address without it) of each filter in force."""
    labels = {
        "search": ("Search", query.search),
        "dataset": ("Dataset", used.datasets.get(query.dataset, "one of before")),
        "base_model": ("Base model", query.base_model),
        "gpu": ("GPU type", query.gpu),
        "from_": ("Created from", f"{query.from_:%-d %b %Y}" if query.from_ else ""),
        "to": ("Created until", f"{query.to:%-d %b %Y}" if query.to else ""),
    }
    nothing = listing.Query()
    return [(*labels[name], query.address(**{name: getattr(nothing, name)})) for name in query.narrowing]


def _has_data(user: User) -> bool:
    return dataset_selectors.visible_to(user).filter(training_ready=True).exists()
