"""The form for a new job. Scripts send it by the API; without them it is sent here, by the same rules."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.callers import caller
from datasets import selectors as dataset_selectors
from datasets.exceptions import DatasetNotFound
from datasets.nudges import nudge, nudge_events
from jobs import choices, estimates, form, presets, selectors, sent, sentinel, services, tasks
from jobs.exceptions import IdempotencyConflict, InvalidJob, JobConflict, JobNotFound
from jobs.views import pace
from jobs.views.estimate import gpu_rows, shown

CALL_FORMS = (("curl", "curl command"), ("python", "Python program"), ("json", "JSON body"))
VERDICTS = ("fits", "tight", "does_not_fit", "unknown")
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass
class Answer:
    """What is said of a form that was sent: complaints by control, a sentence about all of it, the job that its key has
    made already ({job_id, name}), the seconds to wait."""

    status: int = 200
    errors: dict[str, str] = field(default_factory=dict)
    sentence: str = ""
    earlier: dict[str, Any] | None = None
    wait: int = 0


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def job_configure(request: HttpRequest) -> HttpResponse:
    """The form for a new job; `?dataset=ID` chooses a ready dataset, `?clone=ID` starts as that job of one's own.

    POST estimates it, or makes the job with `do=start`: once for each `idempotency_key`, however often it is sent.
    """
    user = caller(request)
    if request.method != "POST":
        return _page(request, user, _start(request, user), Answer(), key=uuid.uuid4().hex)
    start, key = sent.read(request.POST.dict()), request.POST.get("idempotency_key", "")
    if not _KEY.fullmatch(key):
        key = uuid.uuid4().hex
    if request.POST.get("do") != "start":
        return _page(request, user, start, Answer(), key=key)
    answer = Answer()
    if wait := pace.wait(request, "create"):
        answer = Answer(429, sentence=f"Too many requests. Try again in {wait} s.", wait=wait)
    else:
        try:
            job, is_new = services.job_create(owner=user, **sent.request(start), idempotency_key=key)
        except (InvalidJob, DatasetNotFound) as error:
            answer = Answer(400, errors=sent.complaints(error.details))
        except IdempotencyConflict as error:
            answer, key = Answer(409, earlier=error.details), uuid.uuid4().hex
        except JobConflict as error:
            answer = Answer(409, sentence=error.message)
        else:
            if is_new:
                nudge(tasks.submit_job, str(job.pk))
                nudge_events()
            return redirect("job-detail", job.pk)
    response = _page(request, user, start, answer, key=key)
    if answer.wait:
        response.headers["Retry-After"] = str(answer.wait)
    return response


@login_required
@never_cache
@require_safe
def configure_dataset(request: HttpRequest, dataset_id: uuid.UUID) -> HttpResponse:
    """The part of the form that tells of one dataset; the script fetches it when another one is chosen."""
    ready = dataset_selectors.visible_to(caller(request)).filter(training_ready=True).defer("sample")
    dataset = get_object_or_404(ready, pk=dataset_id)
    return render(request, "jobs/configure/dataset.html", {"facts": choices.facts(dataset), "now": timezone.now()})


def _start(request: HttpRequest, user: User) -> form.Start:
    if "clone" not in request.GET:
        return form.empty(request.GET.get("dataset", ""))
    try:
        job = selectors.job_get(user, request.GET["clone"])
    except (JobNotFound, ValidationError):
        raise Http404 from None
    ready = dataset_selectors.visible_to(user).filter(training_ready=True)
    return form.clone(job, datasets=ready, base_models=selectors.base_models(), gpu_types=selectors.gpu_types())


def _page(request: HttpRequest, user: User, start: form.Start, answer: Answer, *, key: str) -> HttpResponse:
    base_models, gpu_types = list(selectors.base_models()), selectors.gpu_types()
    was_sent = request.method == "POST"
    # What was sent without a choice is shown without one.
    wanted = start.dataset or ("none" if was_sent else "")
    offered = choices.offered(user, wanted=wanted, also=start.validation_dataset)
    first_model = base_models[0].name if base_models else ""
    first_type = gpu_types[0].type if gpu_types else ""
    base_model = start.base_model if was_sent else start.base_model or first_model
    gpu_type = start.gpu_type if was_sent else start.gpu_type or first_type
    made = None
    if offered.chosen and base_models and gpu_types:
        asked = form.completed(start, dataset=str(offered.chosen.dataset.pk), base_model=base_model, gpu_type=gpu_type)
        try:
            made = estimates.estimate(estimates.configuration(user=user, **sent.configuration(asked)))
        except (InvalidJob, DatasetNotFound) as error:
            if was_sent:
                answer.errors = {**sent.complaints(error.details), **answer.errors}
    context: dict[str, Any] = {
        "now": timezone.now(),
        "call_forms": CALL_FORMS,
        "start": start,
        "key": key,
        "answer": answer,
        "errors": answer.errors,
        "problems": [(name, sent.label(name), words) for name, words in answer.errors.items()],
        "estimate": shown(made),
        "choices": offered,
        "facts": offered.chosen,
        "presets": presets.PRESETS.values(),
        "preset_values": {preset.id: presets.resolve(preset.id, {}) for preset in presets.PRESETS.values()},
        "main_fields": [presets.FIELDS[name] for name in form.MAIN_FIELDS],
        "groups": form.groups(),
        "sentinel_rules": form.rules(start),
        "sentinel_actions": [(action.value, label) for action, label in sentinel.ACTIONS.items()],
        "gpu_types": gpu_types,
        "gpu_rows": gpu_rows(gpu_types, made),
        "gpu_type": gpu_type,
        "verdicts": VERDICTS,
        "gpu_counts": range(1, presets.MAX_GPUS + 1),
        "base_models": base_models,
        "base_model": next((model for model in base_models if model.name == base_model), None),
    }
    return render(request, "jobs/configure.html", context, status=answer.status)
