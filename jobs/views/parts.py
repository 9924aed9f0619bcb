"""Pages of which a part changes by itself: asked for that part alone, they answer with it, or that nothing changed.

A script asks with the header X-Part, whose value names the part (static/parts.js). Without it, or with a name that
the page does not have, the same address is the whole page.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_vary_headers

from jobs.etags import weak_etag

HEADER = "X-Part"


def page_or_part(
    request: HttpRequest, *, page: str, parts: Mapping[str, str], context: dict[str, Any]
) -> HttpResponseBase:
    """The page's template, or that of its part with an ETag: 304 for somebody who has just that.

    `parts` are templates by the names of the parts.
    """
    part = parts.get(request.headers.get(HEADER, ""))
    if part is None:
        response: HttpResponseBase = render(request, page, context)
    else:
        html = render_to_string(part, context, request)
        etag = weak_etag(html)
        fresh = HttpResponse(html)
        response = get_conditional_response(request, etag=etag, response=fresh) or fresh
        response.headers["ETag"] = etag
    patch_vary_headers(response, [HEADER])
    return response
