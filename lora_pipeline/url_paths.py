"""One spelling per address: routes have no trailing slash, and a request with one reaches the same view."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

KEPT = ("/admin/", "/static/")  # Django's admin has slashes throughout


def normal_path(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: drops one trailing slash (no redirect, so that POST works), refuses NUL in the address."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            # No route and no column takes it; PostgreSQL would answer with an error of its own.
            raise BadRequest("NUL characters are not allowed in an address")
        slash = len(request.path_info) > 1 and request.path_info.endswith("/")
        if slash and not request.path_info.startswith(KEPT):
            request.path_info = request.path_info[:-1]
            request.path = request.path[:-1]
        return get_response(request)

    return middleware
