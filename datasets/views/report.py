"""The report of a validation to take along."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datasets.findings import as_csv, as_json
from datasets.models import Dataset
from datasets.views.access import with_dataset


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_report_json(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    answer = JsonResponse(as_json(dataset), json_dumps_params={"ensure_ascii": False, "indent": 2})
    return _attached(answer, dataset, "json")


@login_required
@never_cache
@require_safe
@with_dataset
def dataset_report_csv(request: HttpRequest, dataset: Dataset) -> HttpResponseBase:
    return _attached(HttpResponse(as_csv(dataset), content_type="text/csv; charset=utf-8"), dataset, "csv")


def _attached(answer: HttpResponse, dataset: Dataset, suffix: str) -> HttpResponse:
    answer["Content-Disposition"] = content_disposition_header(True, f"{dataset.file_name}.report.{suffix}")
    return answer
