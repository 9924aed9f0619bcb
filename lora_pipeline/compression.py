"""Pages and JSON go out compressed: a chart's points are a few hundred kilobytes of digits.

Compressed secrets can be guessed by whoever sees an answer's length and can choose a part of it (BREACH). Here neither
is to be had easily: sessions' cookies are SameSite=Lax, so that another site's requests are nobody's; the CSRF token in
pages is masked anew each time; and each answer's length is blurred by a name of random length in gzip's header.
Files are left alone: static ones are compressed already (WhiteNoise), streams and archives would only cost time.
"""

import gzip
import io
import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

TYPES = ("application/json", "text/html", "image/svg+xml")
LEAST_BYTES = 1000
LEVEL = 3  # half the time of the usual 6, for a tenth more bytes
MOST_BLUR = 100  # bytes
_ACCEPTED = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0+)?\s*(,|$))")


def compressed(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: compress what is worth it, for clients that take gzip."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        if not isinstance(answer, HttpResponse) or not _is_text(answer):
            return answer
        patch_vary_headers(answer, ("Accept-Encoding",))
        if len(answer.content) >= LEAST_BYTES and _ACCEPTED.search(request.headers.get("Accept-Encoding", "")):
            answer.content = _gzip(answer.content)
            answer.headers["Content-Encoding"] = "gzip"
            answer.headers["Content-Length"] = str(len(answer.content))
        return answer

    return middleware


def _is_text(answer: HttpResponse) -> bool:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return kind in TYPES and not answer.has_header("Content-Encoding") and not answer.streaming


def _gzip(content: bytes) -> bytes:
    packed = io.BytesIO()
    name = secrets.token_hex(MOST_BLUR)[: secrets.randbelow(MOST_BLUR)]
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=LEVEL, fileobj=packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()
