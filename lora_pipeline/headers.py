"""Headers of every answer but static files, besides those of Django and of the content security policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

# No page of ours uses any of it, so nothing that slips into a page can.
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "microphone", "geolocation", "display-capture", "payment", "usb", "serial", "midi")
)
# By this the pages' scripts tell our answers from those of a proxy or a hotel's portal (static/api.js).
OURS = "lora-pipeline"


def protective(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: what a view says nothing about is kept by no browser and no proxy, since it may be private."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        answer.headers.setdefault("Cache-Control", "private, no-store")
        answer.headers.setdefault("Permissions-Policy", PERMISSIONS)
        answer.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        answer.headers["X-Answered-By"] = OURS
        return answer

    return middleware
