"""Pages that say what went wrong, each with the way on. Those of 500 and 503 need neither database nor session."""

import sys
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme

from lora_pipeline.theme import theme

DATABASE_RETRY_S = 5


def crashed(request: HttpRequest) -> HttpResponse:
    """After an exception that nobody caught: 503 while the database is away, else 500. Asks nothing of anybody."""
    away = isinstance(sys.exception(), OperationalError | InterfaceError)
    page = loader.get_template("500.html").render({**theme(request), "away": away})
    if away:
        return HttpResponse(page, status=503, headers={"Retry-After": str(DATABASE_RETRY_S)})
    return HttpResponse(page, status=500)


def out_of_date(request: HttpRequest) -> HttpResponse:
    """A form without a valid token: sent from elsewhere, or written before its sender logged in or out."""
    referer = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return render(request, "403_csrf.html", {"back": referer if ours else resolve_url("home")}, status=403)


class ForPeople:
    """Middleware: who follows a link into the API, such as a download, is refused in a page instead of in JSON.

    Browsers alone say that they are about to show a document; programs get what the API's document promises.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._get_response(request)
        is_shown = request.headers.get("Sec-Fetch-Dest") == "document" and request.path.startswith("/api/")
        if request.method != "GET" or not is_shown or answer.status_code < 400:
            return answer
        return _page(request, answer)


def _page(request: HttpRequest, refusal: HttpResponseBase) -> HttpResponseBase:
    status = refusal.status_code
    if status == 401:
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': request.get_full_path()})}")
    if status in (403, 404):
        return render(request, f"{status}.html", status=status)
    if status == 429:
        page = render(request, "429.html", {"wait": refusal.headers["Retry-After"]}, status=status)
        page.headers["Retry-After"] = refusal.headers["Retry-After"]
        return page
    return refusal
