"""/settings/notifications: what one is told by which way, and one's webhooks."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import caller
from notifications.exceptions import NotificationError
from notifications.forms import WebhookForm
from notifications.kinds import IN_APP, KINDS
from notifications.selectors import webhooks_visible_to
from notifications.services import preferences, webhooks
from notifications.views.webhook import with_secret


@login_required
@require_safe
def notification_settings(request: HttpRequest) -> HttpResponse:
    user = caller(request)
    asked_for = [kind.name for kind in KINDS.values() if kind.email]
    return _page(request, user, WebhookForm(is_staff=user.is_staff, initial={"event_types": asked_for}))


@login_required
@require_POST
def save_preferences(request: HttpRequest) -> HttpResponse:
    """The whole table: a box that is not ticked is off. One that could not be ticked stays as it was."""
    user = caller(request)
    shown = [
        choice for choice in preferences.preference_list(user=user) if choice.channel == IN_APP or _can_be_mailed(user)
    ]
    ticked = set(request.POST.getlist("on"))
    preferences.preference_set(
        user=user,
        switches={(choice.type, choice.channel): f"{choice.type}:{choice.channel}" in ticked for choice in shown},
    )
    messages.success(request, "Saved. It holds for what happens from now on.")
    return redirect("notification-settings")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def webhook_create(request: HttpRequest) -> HttpResponse:
    """Makes a webhook and goes to its page, which shows its secret, the only time it can be seen."""
    if request.method != "POST":
        return redirect("notification-settings")
    user = caller(request)
    form = WebhookForm(request.POST, is_staff=user.is_staff)
    if form.is_valid():
        try:
            webhook, _ = webhooks.webhook_create(user=user, **form.cleaned_data)
        except NotificationError as error:
            add_errors(form, error)
        else:
            return with_secret(request, webhook)
    return _page(request, user, form, status=400)


def add_errors(form: WebhookForm, error: NotificationError) -> None:
    """Where the form shows what a service refused."""
    if not error.details:
        form.add_error(None, error.message)
    for field, problems in error.details.items():
        form.add_error(field, problems)


def _page(request: HttpRequest, user: User, form: WebhookForm, status: int = 200) -> HttpResponse:
    table: dict[str, dict[str, Any]] = {}
    for choice in preferences.preference_list(user=user):
        table.setdefault(choice.type, {"kind": choice.kind, "choices": []})["choices"].append(choice)
    context = {
        "table": table.values(),
        "can_be_mailed": _can_be_mailed(user),
        "has_mail_server": settings.EMAIL_CONFIGURED,
        "webhooks": webhooks_visible_to(user),
        "form": form,
    }
    return render(request, "notifications/settings.html", context, status=status)


def _can_be_mailed(user: User) -> bool:
    return settings.EMAIL_CONFIGURED and bool(user.email)
