"""What the page of a dataset does about corrected files."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from datasets import corrections
from datasets.exceptions import DatasetError
from datasets.models import Dataset
from datasets.tasks import nudge_correction, nudge_validation
from datasets.views.access import actor, with_dataset


@login_required
@require_POST
@with_dataset
def dataset_correct(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """Ask for a corrected file."""
    try:
        corrections.correction_request(dataset=dataset)
    except DatasetError as error:
        messages.warning(request, error.message)
    else:
        nudge_correction(dataset.pk)
    return redirect("dataset-detail", dataset.pk)


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_corrected(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """Download it, straight from storage."""
    try:
        return redirect(corrections.correction_download(dataset=dataset).url)
    except DatasetError as error:
        messages.warning(request, error.message)
        return redirect("dataset-detail", dataset.pk)


@login_required
@require_POST
@with_dataset
def dataset_save_corrected(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """Make a dataset of it."""
    try:
        saved = corrections.correction_save(dataset=dataset, actor=actor(request))
    except DatasetError as error:
        messages.warning(request, error.message)
        return redirect("dataset-detail", dataset.pk)
    nudge_validation(saved.pk)
    messages.success(request, f"“{saved.name}” was saved and will be validated.")
    return redirect("dataset-detail", saved.pk)
