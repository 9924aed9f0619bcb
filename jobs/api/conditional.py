"""Answering "nothing changed": entity tags over what an answer says, so that no writer has to remember them."""

import json
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from jobs.etags import weak_etag


def etag_of(*parts: Any) -> str:
    """The tag of plain data."""
    return weak_etag(json.dumps(parts, sort_keys=True, default=str))


def not_modified(request: Request, etag: str) -> HttpResponseBase | None:
    """The 304 answer, if the client already has this; else None."""
    answer = get_conditional_response(request._request, etag=etag, response=None)
    if answer is not None:
        for name, value in headers(etag).items():
            answer.headers[name] = value
    return answer


def headers(etag: str) -> dict[str, str]:
    """Headers of the full answer: keep it, but ask each time."""
    return {"ETag": etag, "Cache-Control": "private, no-cache"}
