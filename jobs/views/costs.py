"""What one's jobs cost: totals, a plot, and a table by month, day, job, GPU type, dataset or base model.

Everything that was chosen is in the URL; what does not fit there is said beside its field and the default shown.
"""

from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from jobs import selectors
from jobs.ledger import plot, report
from jobs.ledger.span import DEFAULT_RANGE, RANGES, BadDates, Span, span, steps, unit

LINES_PER_PAGE = 25


@login_required
@never_cache
@require_safe
def costs(request: HttpRequest) -> HttpResponse:
    """`range`, `from`, `to`, `group`, `sort` and `page` in the URL."""
    user, given = caller(request), request.GET
    asked, problems = _span(given)
    each = unit(asked.days)
    group = given.get("group", "")
    if group not in report.GROUPS:
        group = "job" if each == "day" else "month"
    sort = given.get("sort", "")
    if sort.removeprefix("-") not in report.SORTS:
        sort = "-name" if group in {"month", "day"} else "-cost"
    totals = report.totals(user, asked)
    page = _page(report.lines(user, asked.days, group, sort=sort), totals, group, given.get("page"))
    amounts = report.by_gpu(user, asked.days, each) if totals.now.cost else {}
    context: dict[str, Any] = {
        "span": asked,
        "ranges": RANGES.items(),
        "problems": problems,
        "first": _day(given.get("from", "")) if problems else asked.days.first,
        "last": _day(given.get("to", "")) if problems else asked.days.last,
        "groups": report.GROUPS.items(),
        "group": group,
        "group_label": report.GROUPS[group],
        "sort": sort,
        "totals": totals,
        "plot": plot.plot(steps(asked.days, each), amounts, each) if amounts else None,
        "page": page,
        "lines": [report.line(row, asked.days, group, totals.now.cost) for row in page.object_list],
        "forgotten": report.forgotten(user, asked.days),
        "span_query": urlencode(_span_pairs(asked)),
        "days_query": urlencode(_days_pairs(asked)),
        "query": urlencode([*_span_pairs(asked), ("group", group), ("sort", sort)]),
        "columns": _columns(group, sort),
        "has_any": bool(totals.now.jobs) or selectors.visible_to(user).exists(),
    }
    return render(request, "jobs/costs.html", context)


def _page(rows: QuerySet[Any, dict[str, Any]], totals: report.Totals, group: str, number: str | None) -> Page[Any]:
    """Counting adds all bills up once more: the number of jobs is known already, other groups are few."""
    if group != "job":
        return Paginator(list(rows), LINES_PER_PAGE).get_page(number)
    pages = Paginator(rows, LINES_PER_PAGE)
    pages.count = totals.now.jobs
    return pages.get_page(number)


def _span(given: QueryDict) -> tuple[Span, dict[str, str]]:
    """The span that was asked for, and what is wrong with it, by field: then it is the default one."""
    today = timezone.now().date()
    key = given.get("range", "")
    if key not in RANGES:
        key = "custom" if "from" in given else DEFAULT_RANGE
    try:
        return span(key, today=today, first=_day(given.get("from", "")), last=_day(given.get("to", ""))), {}
    except BadDates as bad:
        return span(today=today), bad.problems


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-01") else None
    except ValueError:
        return None


def _span_pairs(asked: Span) -> list[tuple[str, str]]:
    if asked.key != "custom":
        return [("range", asked.key)]
    return _days_pairs(asked)


def _days_pairs(asked: Span) -> list[tuple[str, str]]:
    """The days themselves, which stay the same when "this month" has become another one."""
    return [("from", asked.days.first.isoformat()), ("to", asked.days.last.isoformat())]


def _columns(group: str, sort: str) -> list[dict[str, Any]]:
    """The table's columns that it can be sorted by; `next` is the sort that a click on the head asks for."""
    labels = {"name": report.GROUPS[group], "cost": "Cost", "jobs": "Jobs", "seconds": "GPU time"}
    if group == "job":
        del labels["jobs"]
    field, is_descending = sort.removeprefix("-"), sort.startswith("-")
    return [
        {
            "name": name,
            "label": label,
            "is_number": name != "name",
            "direction": ("descending" if is_descending else "ascending") if name == field else "",
            "next": name if (name == field and is_descending) or (name == "name" != field) else f"-{name}",
        }
        for name, label in labels.items()
    ]
