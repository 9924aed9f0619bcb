"""A request begins as nobody; whoever authenticates it says who looks. When its answer is made, nobody looks again."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.functional import SimpleLazyObject

from tenancy import viewer


def one_viewer_per_request(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, right behind Django's authentication: the session's user is who looks as soon as a view asks for it.

    Tokens are read later than this: `accounts.authentication` says who has come with one.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with viewer.seeing(viewer.NOBODY):
            signed_in = request.user  # looked up when somebody asks: /health asks no database
            request.user = SimpleLazyObject(lambda: _looking(signed_in))  # type: ignore[assignment]
            response = get_response(request)
            if isinstance(response, StreamingHttpResponse):
                # Its pieces are made after we have returned, and may ask the database for more.
                response.streaming_content = _seen_as(viewer.now(), iter(response))
        return response

    return middleware


def _looking(user: Any) -> Any:
    if user.is_authenticated:
        viewer.become(user.pk)
    return user


def _seen_as(who: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces; `who` looks while each is made, and not while it is being sent."""
    try:
        while True:
            with viewer.seeing(who):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece
    finally:
        if close := getattr(pieces, "close", None):
            close()
