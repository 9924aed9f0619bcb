"""The form for a new job."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from datasets import selectors as dataset_selectors
from jobs import choices, form, presets, selectors, sentinel
from jobs.exceptions import JobNotFound

CALL_FORMS = (("curl", "curl command"), ("python", "Python program"), ("json", "JSON body"))


@login_required
@never_cache
@require_safe
def job_configure(request: HttpRequest) -> HttpResponse:
    """The form for a new job; `?dataset=ID` chooses a ready dataset, `?clone=ID` starts as that job of one's own."""
    user = caller(request)
    base_models, gpu_types = list(selectors.base_models()), selectors.gpu_types()
    start = form.empty(request.GET.get("dataset", ""))
    if "clone" in request.GET:
        try:
            job = selectors.job_get(user, request.GET["clone"])
        except (JobNotFound, ValidationError):
            raise Http404 from None
        ready = dataset_selectors.visible_to(user).filter(training_ready=True)
        start = form.clone(job, datasets=ready, base_models=base_models, gpu_types=gpu_types)
    offered = choices.offered(user, wanted=start.dataset, also=start.validation_dataset)
    first_model = base_models[0].name if base_models else ""
    first_type = gpu_types[0].type if gpu_types else ""
    context: dict[str, Any] = {
        "now": timezone.now(),
        "call_forms": CALL_FORMS,
        "start": start,
        "choices": offered,
        "facts": offered.chosen,
        "presets": presets.PRESETS.values(),
        "preset_values": {preset.id: presets.resolve(preset.id, {}) for preset in presets.PRESETS.values()},
        "main_fields": [presets.FIELDS[name] for name in form.MAIN_FIELDS],
        "groups": form.groups(),
        "sentinel_rules": form.rules(start),
        "sentinel_actions": [(action.value, label) for action, label in sentinel.ACTIONS.items()],
        "gpu_types": gpu_types,
        "gpu_type": start.gpu_type or first_type,
        "gpu_counts": range(1, presets.MAX_GPUS + 1),
        "base_models": base_models,
        "base_model": next((model for model in base_models if model.name == (start.base_model or first_model)), None),
    }
    return render(request, "jobs/configure.html", context)


@login_required
@never_cache
@require_safe
def configure_dataset(request: HttpRequest, dataset_id: uuid.UUID) -> HttpResponse:
    """The part of the form that tells of one dataset; the script fetches it when another one is chosen."""
    ready = dataset_selectors.visible_to(caller(request)).filter(training_ready=True).defer("sample")
    dataset = get_object_or_404(ready, pk=dataset_id)
    return render(request, "jobs/configure/dataset.html", {"facts": choices.facts(dataset), "now": timezone.now()})
