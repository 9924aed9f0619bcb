"""The inbox page behind the bell."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.callers import caller
from notifications.exceptions import NotificationNotFound
from notifications.selectors import visible_to
from notifications.services import inbox as services

PER_PAGE = 25


@login_required
@require_safe
def notification_list(request: HttpRequest) -> HttpResponse:
    only_unread = request.GET.get("unread") == "true"
    notifications = visible_to(caller(request))
    if only_unread:
        notifications = notifications.filter(read=False)
    page = Paginator(notifications, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "notifications/list.html", {"page": page, "only_unread": only_unread})


@login_required
@require_POST
def read(request: HttpRequest, notification_id: uuid.UUID) -> HttpResponse:
    """Marks one as read and goes where it points to, so that following a notice also settles it."""
    try:
        notification = services.notification_mark_read(user=caller(request), notification_id=notification_id)
    except NotificationNotFound as error:
        raise Http404 from error
    follow = "follow" in request.POST and notification.action_url
    return redirect(notification.action_url if follow else "notification-list")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    services.notification_mark_all_read(user=caller(request))
    return redirect("notification-list")
