"""The list of one's own jobs."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from jobs import selectors
from jobs.states import ACTIVE, Status

JOBS_PER_PAGE = 20
STATUS_CHOICES = [
    ("", "All statuses"),
    ("active", "Active"),
    *((s.value, s.value.capitalize()) for s in Status),
]


@login_required
@never_cache
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """One's own jobs, newest first; `search`, `status` and `page` in the URL, an unknown status shows all."""
    search = request.GET.get("search", "").strip()[:200]
    status = request.GET.get("status", "")
    if status not in dict(STATUS_CHOICES):
        status = ""
    statuses = ACTIVE if status == "active" else [status] if status else []
    jobs = selectors.job_list(caller(request), statuses=statuses, search=search)
    page = Paginator(jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "search": search,
        "status": status,
        "status_choices": STATUS_CHOICES,
        "query": urlencode({name: value for name, value in (("search", search), ("status", status)) if value}),
        "any_active": any(not job.is_terminal for job in page.object_list),
        "has_any": bool(page.object_list) or selectors.visible_to(caller(request)).exists(),
    }
    return render(request, "jobs/list.html", context)
