"""The inbox page behind the bell."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.callers import caller
from jobs.views.parts import page_or_part
from notifications.exceptions import NotificationNotFound
from notifications.kinds import inbox_types
from notifications.models import Notification
from notifications.selectors import visible_to
from notifications.services import inbox as services

PER_PAGE = 25
IN_BELL = 6
# What the bell opens on every page (static/bell-news.js).
PARTS = {"newest": "notifications/newest.html"}


@dataclass(frozen=True)
class Filters:
    """What of the inbox is shown; `type` is empty for all of them."""

    unread: bool
    type: str

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        """From a query or a form; what there is not shows all."""
        type_ = given.get("type", "")
        return cls(unread=given.get("unread") == "true", type=type_ if type_ in inbox_types() else "")

    @property
    def query(self) -> str:
        chosen = {"unread": "true" if self.unread else "", "type": self.type}
        return urlencode({name: value for name, value in chosen.items() if value})


@login_required
@never_cache
@require_safe
def notification_list(request: HttpRequest) -> HttpResponseBase:
    """`unread`, `type` and `page` in the URL."""
    user, filters = caller(request), Filters.of(request.GET)
    notifications = visible_to(user)
    if filters.unread:
        notifications = notifications.filter(read=False)
    if filters.type:
        notifications = notifications.filter(type=filters.type)
    page = Paginator(notifications, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "today": timezone.now().date(),
        "filters": filters,
        "types": inbox_types(is_staff=user.is_staff).items(),
        "newest": visible_to(user)[:IN_BELL],
    }
    return page_or_part(request, page="notifications/list.html", parts=PARTS, context=context)


@login_required
@never_cache
@require_GET
def follow(request: HttpRequest, notification_id: uuid.UUID) -> HttpResponse:
    """Where a notification leads to; who follows it has read it."""
    return redirect(_read(request, notification_id).action_url or "notification-list")


@login_required
@require_POST
def read(request: HttpRequest, notification_id: uuid.UUID) -> HttpResponse:
    """Marks one as read; with `follow` goes where it points to."""
    notification = _read(request, notification_id)
    if "follow" in request.POST and notification.action_url:
        return redirect(notification.action_url)
    return _back(request, at=f"#notice-{notification.pk}")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    services.notification_mark_all_read(user=caller(request))
    return _back(request)


def _read(request: HttpRequest, notification_id: uuid.UUID) -> Notification:
    try:
        return services.notification_mark_read(user=caller(request), notification_id=notification_id)
    except NotificationNotFound as error:
        raise Http404 from error


def _back(request: HttpRequest, *, at: str = "") -> HttpResponse:
    """To the list as it was filtered and turned; a keyboard goes on from `at`, a fragment."""
    number = request.POST.get("page", "")
    page = urlencode({"page": number}) if number.isdecimal() else ""
    query = "&".join(filter(None, (Filters.of(request.POST).query, page)))
    return redirect(f"{reverse('notification-list')}{'?' if query else ''}{query}{at}")
