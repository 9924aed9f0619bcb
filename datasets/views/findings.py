"""All findings of a validation to take along, as they are read."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datasets.exceptions import DatasetError
from datasets.findings import findings_file
from datasets.models import Dataset
from datasets.views.access import with_dataset


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_findings_csv(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    return _download(request, dataset, "csv")


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_findings_jsonl(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    return _download(request, dataset, "jsonl")


def _download(request: HttpRequest, dataset: Dataset, ending: str) -> HttpResponseBase:
    try:
        file = findings_file(dataset, ending)
    except DatasetError as error:
        messages.warning(request, error.message)
        return redirect("dataset-detail", dataset.pk)
    return StreamingHttpResponse(file.pieces, headers=file.headers)
