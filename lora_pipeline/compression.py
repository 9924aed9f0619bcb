"""Pages and JSON go out compressed: a chart's points are a few hundred kilobytes of digits.

Compressed secrets can be guessed by whoever sees an answer's length and can choose a part of it (BREACH). Here neither
is to be had easily: sessions' cookies are SameSite=Lax, so that another site's requests are nobody's; the CSRF token in
pages is masked anew each time; and Django blurs each answer's length by a name of random length in gzip's header.
"""

import re

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

TYPES = ("application/json", "text/html", "image/svg+xml")
_REFUSED = re.compile(r"\bgzip\s*;\s*q=0(\.0+)?\s*(,|$)")


class Compressed(GZipMiddleware):
    """Django's, but for what it would do too much: it takes `gzip;q=0` for a yes, and compresses files, which static
    ones (WhiteNoise), archives and pictures are already, and streams, piece by piece."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in TYPES or response.streaming:
            return response
        if _REFUSED.search(request.headers.get("Accept-Encoding", "")):
            patch_vary_headers(response, ("Accept-Encoding",))
            return response
        return super().process_response(request, response)
