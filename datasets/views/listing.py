"""The list of one's own datasets."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.callers import caller
from datasets.models import DatasetStatus
from datasets.selectors import ORDERINGS, visible_to
from datasets.selectors import dataset_list as found_datasets
from datasets.views.access import render_with_upload, text

DATASETS_PER_PAGE = 20
STATUS_CHOICES = [("", "All statuses"), *DatasetStatus.choices]
SORT_CHOICES = [
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
    ("name", "Name"),
    ("-file_size", "Largest first"),
    ("-total_training_pairs", "Most examples"),
    ("-jobs_count", "Most used"),
]


@login_required
@never_cache
@require_safe
def dataset_list(request: HttpRequest) -> HttpResponseBase:
    """One's own datasets; `search`, `status`, `sort` and `page` in the URL, what is unknown there counts as absent."""
    user = caller(request)
    search, status, sort = (text(request, name) for name in ("search", "status", "sort"))
    status = status if status in DatasetStatus.values else ""
    sort = sort if sort in ORDERINGS else ""
    found = found_datasets(user, search=search, status=status, ordering=sort or "-created_at")
    page = Paginator(found, DATASETS_PER_PAGE).get_page(request.GET.get("page"))
    chosen = {"search": search, "status": status, "sort": sort}
    context: dict[str, object] = {
        "page": page,
        **chosen,
        "status_choices": STATUS_CHOICES,
        "sort_choices": SORT_CHOICES,
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "is_live": any(dataset.status == DatasetStatus.VALIDATING for dataset in page.object_list),
        "has_any": bool(page.object_list) or visible_to(user).exists(),
    }
    return render_with_upload(request, "datasets/list.html", context)
