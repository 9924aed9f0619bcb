"""Pages of datasets: the list with its forms to upload and import, and one dataset.

They render rows; scripts in static/datasets/ talk to the API and, for uploads, straight to storage, which
the page's security policy has to allow.
"""

import logging
import uuid
from collections.abc import Callable

from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import caller
from datasets import services
from datasets.exceptions import DatasetNotFound, ValidationRunning
from datasets.forms import DatasetForm
from datasets.models import Dataset, DatasetStatus
from datasets.selectors import dataset_get, import_prefixes, visible_to
from datasets.storage.base import StorageError
from datasets.storage.buckets import LORA_DATASETS
from datasets.storage.signing import public_origin
from datasets.tasks import nudge_validation

logger = logging.getLogger(__name__)

DATASETS_PER_PAGE = 20


def _with_dataset(
    view: Callable[[HttpRequest, Dataset], HttpResponseBase],
) -> Callable[[HttpRequest, uuid.UUID], HttpResponseBase]:
    """Gives the view its user's dataset; another user's is a 404, like one that does not exist."""

    def find(request: HttpRequest, dataset_id: uuid.UUID) -> HttpResponseBase:
        try:
            dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        except DatasetNotFound:
            raise Http404 from None
        return view(request, dataset)

    return find


@login_required
@never_cache
@require_safe
def dataset_list(request: HttpRequest) -> HttpResponseBase:
    """One's own datasets, newest first, and the forms to add one."""
    user = caller(request)
    page = Paginator(visible_to(user), DATASETS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "is_live": any(dataset.status == DatasetStatus.VALIDATING for dataset in page.object_list),
        "prefixes": import_prefixes(user),
    }
    return _render_with_upload(request, "datasets/list.html", context)


@login_required
@never_cache
@require_safe
@_with_dataset
def dataset_detail(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """A dataset's statistics, findings, sample and events."""
    context = {
        "dataset": dataset,
        "is_live": dataset.status == DatasetStatus.VALIDATING,
        "findings": [
            ("Errors", dataset.validation_error_count, dataset.validation_errors),
            ("Warnings", dataset.validation_warning_count, dataset.validation_warnings),
        ],
        "events": dataset.events.all(),
    }
    return _render_with_upload(request, "datasets/detail.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_with_dataset
def dataset_edit(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    """Change a dataset's name and description."""
    form = DatasetForm(request.POST or None, initial={"name": dataset.name, "description": dataset.description})
    if request.method == "POST" and form.is_valid():
        services.dataset_update(dataset=dataset, **form.cleaned_data)
        return redirect("dataset-detail", dataset.pk)
    return render(request, "datasets/edit.html", {"dataset": dataset, "form": form})


@login_required
@require_POST
@_with_dataset
def dataset_validate(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    try:
        services.dataset_revalidate(dataset=dataset, actor=_actor(request))
    except ValidationRunning as error:
        messages.warning(request, error.message)
    else:
        nudge_validation(dataset.pk)
    return redirect("dataset-detail", dataset.pk)


@login_required
@require_POST
@_with_dataset
def dataset_delete(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    services.dataset_delete(dataset=dataset, actor=_actor(request))
    messages.success(request, f"“{dataset.name}” was deleted. Its file stays in storage.")
    return redirect("dataset-list")


def _actor(request: HttpRequest) -> str:
    return f"user:{caller(request).get_username()}"


def _render_with_upload(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponseBase:
    """A page whose scripts may send files to storage."""
    allowed = ["'self'"]
    try:
        allowed.append(public_origin(LORA_DATASETS))
    except StorageError as error:
        logger.warning("Uploads from the browser will not work: %s", error.message)
    allow = csp_update({"connect-src": allowed})
    page: HttpResponseBase = allow(lambda request: render(request, template, context))(request)
    return page
