"""Answering "nothing changed": entity tags over what an answer says, so that no writer has to remember them."""

import hashlib
import json
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request


def etag_of(*parts: Any) -> str:
    """A weak tag (the same content may be compressed differently) of plain data."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return f'W/"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"'


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
