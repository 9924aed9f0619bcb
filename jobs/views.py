"""Pages of training jobs: the list, the form for a new one, the monitor of one.

They render the first state; from there the scripts in static/ talk to the API. Rows only: no page waits
for the broker, the cluster or storage.
"""

import uuid
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datasets import selectors as dataset_selectors
from jobs import form, monitor, presets, selectors, sentinel
from jobs.exceptions import JobNotFound
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
    jobs = selectors.job_list(_reader(request), statuses=statuses, search=search)
    page = Paginator(jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "search": search,
        "status": status,
        "status_choices": STATUS_CHOICES,
        "query": urlencode({name: value for name, value in (("search", search), ("status", status)) if value}),
        "any_active": any(not job.is_terminal for job in page.object_list),
        "has_any": bool(page.object_list) or selectors.visible_to(_reader(request)).exists(),
    }
    return render(request, "jobs/list.html", context)


@login_required
@never_cache
@require_safe
def job_detail(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The monitor. Somebody else's job is a 404 like one that does not exist."""
    try:
        job = selectors.job_get(_reader(request), job_id)
    except JobNotFound:
        raise Http404 from None
    return render(request, "jobs/detail.html", monitor.first_state(job, now=timezone.now()))


@login_required
@never_cache
@require_safe
def job_configure(request: HttpRequest) -> HttpResponse:
    """The form for a new job; `?dataset=ID` chooses a ready dataset, `?clone=ID` starts as that job of one's own."""
    datasets = dataset_selectors.visible_to(_reader(request)).filter(training_ready=True)
    base_models, gpu_types = list(selectors.base_models()), selectors.gpu_types()
    start = form.empty(request.GET.get("dataset", ""))
    if "clone" in request.GET:
        try:
            job = selectors.job_get(_reader(request), request.GET["clone"])
        except (JobNotFound, ValidationError):
            raise Http404 from None
        start = form.clone(job, datasets=datasets, base_models=base_models, gpu_types=gpu_types)
    context: dict[str, Any] = {
        "start": start,
        "datasets": datasets,
        "presets": presets.PRESETS.values(),
        "preset_values": {preset.id: presets.resolve(preset.id, {}) for preset in presets.PRESETS.values()},
        "main_fields": [presets.FIELDS[name] for name in form.MAIN_FIELDS],
        "groups": form.groups(),
        "sentinel_rules": form.rules(start),
        "sentinel_actions": [(action.value, label) for action, label in sentinel.ACTIONS.items()],
        "gpu_types": gpu_types,
        "gpu_counts": range(1, presets.MAX_GPUS + 1),
        "base_models": base_models,
    }
    return render(request, "jobs/configure.html", context)


def _reader(request: HttpRequest) -> User:
    return cast(User, request.user)  # nobody else gets past login_required
