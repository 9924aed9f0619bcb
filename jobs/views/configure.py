"""The form for a new job."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from datasets import selectors as dataset_selectors
from jobs import form, presets, selectors, sentinel
from jobs.exceptions import JobNotFound


@login_required
@never_cache
@require_safe
def job_configure(request: HttpRequest) -> HttpResponse:
    """The form for a new job; `?dataset=ID` chooses a ready dataset, `?clone=ID` starts as that job of one's own."""
    datasets = dataset_selectors.visible_to(caller(request)).filter(training_ready=True)
    base_models, gpu_types = list(selectors.base_models()), selectors.gpu_types()
    start = form.empty(request.GET.get("dataset", ""))
    if "clone" in request.GET:
        try:
            job = selectors.job_get(caller(request), request.GET["clone"])
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
