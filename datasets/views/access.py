"""What the pages share: whose dataset it is, who acts, and the permission to send files to storage."""

import logging
import uuid
from collections.abc import Callable

from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from accounts.callers import caller
from datasets.exceptions import DatasetNotFound
from datasets.models import Dataset
from datasets.selectors import dataset_get
from datasets.storage.base import StorageError
from datasets.storage.buckets import LORA_DATASETS
from datasets.storage.signing import public_origin

logger = logging.getLogger(__name__)


def with_dataset(
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


def actor(request: HttpRequest) -> str:
    """Who does it, for events."""
    return f"user:{caller(request).get_username()}"


def text(request: HttpRequest, name: str, limit: int = 200) -> str:
    """A text of the query, cut to `limit`."""
    return request.GET.get(name, "").strip()[:limit]


def render_with_upload(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponseBase:
    """A page whose scripts may send files to storage."""
    allowed = ["'self'"]
    try:
        allowed.append(public_origin(LORA_DATASETS))
    except StorageError as error:
        logger.warning("Uploads from the browser will not work: %s", error.message)
    allow = csp_update({"connect-src": allowed})
    page: HttpResponseBase = allow(lambda request: render(request, template, context))(request)
    return page
