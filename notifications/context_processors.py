"""The bell's number, for every page."""

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest

from accounts.callers import caller
from notifications.selectors import visible_to


def unread_count(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """`unread_count` in templates: one query, made only by a page that shows it, and for nobody anonymous."""
    if not hasattr(request, "user") or request.user.is_anonymous:
        return {}
    return {"unread_count": cache(lambda: visible_to(caller(request)).filter(read=False).count())}
