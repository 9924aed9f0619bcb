"""The report of a validation to take along: all findings, as they are read."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datasets.exceptions import DatasetError
from datasets.findings import all_rows, as_csv, as_json_lines
from datasets.models import Dataset
from datasets.views.access import with_dataset


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_report_csv(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    return _download(request, dataset, as_csv, "csv", "text/csv; charset=utf-8")


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_report_jsonl(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    return _download(request, dataset, as_json_lines, "jsonl", "application/jsonl")


def _download(
    request: HttpRequest,
    dataset: Dataset,
    written: Callable[[Iterator[dict[str, Any]]], Iterator[str]],
    suffix: str,
    content_type: str,
) -> HttpResponseBase:
    try:
        rows = all_rows(dataset)
    except DatasetError as error:
        messages.warning(request, error.message)
        return redirect("dataset-detail", dataset.pk)
    name = content_disposition_header(True, f"{dataset.file_name}.report.{suffix}") or "attachment"
    return StreamingHttpResponse(written(rows), content_type=content_type, headers={"Content-Disposition": name})
