"""Pages and JSON go out compressed: a chart's points are a few hundred kilobytes of digits.

Compressed secrets can be guessed by whoever sees an answer's length and can choose a part of it (BREACH). Here neither
is to be had easily: sessions' cookies are SameSite=Lax, so that another site's requests are nobody's; the CSRF token in
pages is masked anew each time; and each answer's length is blurred by a name of random length in gzip's header.
"""

import gzip
import io
import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

TYPES = ("application/json", "text/html", "image/svg+xml")
LEAST = 200  # bytes: shorter ones hardly get any shorter
# Of 9. Django's middleware has 6, which takes more than twice the time for a chart and leaves seven eighths as much.
EFFORT = 3
BLUR = 100  # bytes at most
_TAKEN = re.compile(r"\bgzip\b")
_REFUSED = re.compile(r"\bgzip\s*;\s*q=0(\.0+)?\s*(,|$)")


def compressed(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: compresses answers of TYPES for those who take it. Their entity tags are weak ones (jobs.etags).

    No files, which static ones (WhiteNoise), archives and pictures are already, and no streams, piece by piece.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in TYPES or not isinstance(answer, HttpResponse) or len(answer.content) < LEAST:
            return answer
        if answer.has_header("Content-Encoding"):
            return answer
        patch_vary_headers(answer, ("Accept-Encoding",))
        accepted = request.headers.get("Accept-Encoding", "")
        if not _TAKEN.search(accepted) or _REFUSED.search(accepted):
            return answer
        small = _gzipped(answer.content)
        if len(small) < len(answer.content):
            answer.content = small
            answer.headers["Content-Length"] = str(len(small))
            answer.headers["Content-Encoding"] = "gzip"
        return answer

    return middleware


def _gzipped(content: bytes) -> bytes:
    small, name = io.BytesIO(), "a" * secrets.randbelow(BLUR)
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=EFFORT, fileobj=small, mtime=0) as file:
        file.write(content)
    return small.getvalue()
