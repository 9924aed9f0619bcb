"""One dataset: its statistics, findings, sample and events, and what its owner does with it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from datasets import services
from datasets.exceptions import ValidationRunning
from datasets.findings import findings
from datasets.forms import DatasetForm
from datasets.length_facts import length_facts
from datasets.models import Dataset, DatasetStatus
from datasets.preview import asked, preview
from datasets.selectors import OPEN_CORRECTIONS, correction_of, jobs_count
from datasets.tasks import nudge_validation
from datasets.views.access import actor, render_with_upload, text, with_dataset


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_detail(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """A dataset's statistics, findings, sample and events."""
    wanted = asked(
        order=text(request, "order"),
        number=text(request, "example"),
        seed=text(request, "seed"),
        line=text(request, "line"),
    )
    correction = correction_of(dataset)
    is_correcting = correction is not None and correction.status in OPEN_CORRECTIONS
    context: dict[str, object] = {
        "dataset": dataset,
        "jobs_count": jobs_count(dataset),
        "is_live": dataset.status == DatasetStatus.VALIDATING or is_correcting,
        "correction": correction,
        "preview": preview(dataset, wanted),
        "lengths": length_facts(dataset, text(request, "max_length")),
        "found": findings(dataset, text(request, "kind")),
        "events": dataset.events.all(),
    }
    return render_with_upload(request, "datasets/detail.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@with_dataset
def dataset_edit(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """Change a dataset's name and description."""
    form = DatasetForm(request.POST or None, initial={"name": dataset.name, "description": dataset.description})
    if request.method == "POST" and form.is_valid():
        services.dataset_update(dataset=dataset, **form.cleaned_data)
        return redirect("dataset-detail", dataset.pk)
    return render(request, "datasets/edit.html", {"dataset": dataset, "form": form})


@login_required
@require_POST
@with_dataset
def dataset_validate(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    try:
        services.dataset_revalidate(dataset=dataset, actor=actor(request))
    except ValidationRunning as error:
        messages.warning(request, error.message)
    else:
        nudge_validation(dataset.pk)
    return redirect("dataset-detail", dataset.pk)


@login_required
@require_POST
@with_dataset
def dataset_delete(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    services.dataset_delete(dataset=dataset, actor=actor(request))
    messages.success(request, f"“{dataset.name}” was deleted. Its file stays in storage.")
    return redirect("dataset-list")
