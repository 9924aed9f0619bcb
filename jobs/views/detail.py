"""The monitor of one job."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from jobs import monitor, selectors
from jobs.exceptions import JobNotFound


@login_required
@never_cache
@require_safe
def job_detail(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The monitor. Somebody else's job is a 404 like one that does not exist."""
    try:
        job = selectors.job_get(caller(request), job_id)
    except JobNotFound:
        raise Http404 from None
    return render(request, "jobs/detail.html", monitor.first_state(job, now=timezone.now()))
