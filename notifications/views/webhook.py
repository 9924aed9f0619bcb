"""/settings/webhooks/{id}: one webhook with its log, and the buttons beside it."""

import uuid
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from datasets.nudges import nudge
from notifications import tasks
from notifications.channels.base import Outcome
from notifications.exceptions import DeliveryNotFound, NotificationError, WebhookConflict, WebhookNotFound
from notifications.forms import WebhookForm
from notifications.kinds import KINDS
from notifications.models import Delivery, WebhookEndpoint
from notifications.selectors import deliveries_of
from notifications.services import webhooks

PER_PAGE = 25
SOON = timedelta(minutes=1)  # the page follows what is to be sent until then
# In the session: the id of the webhook whose secret the next page shows, and no page after it. A reload, which would
# send the form of an answer to a POST again, so makes no second webhook and changes no secret twice.
JUST_MADE = "webhook-just-made"


def webhook_page(
    request: HttpRequest,
    webhook: WebhookEndpoint,
    *,
    form: WebhookForm | None = None,
    secret: str | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    """The page of one webhook; `secret` and `outcome` are shown where something has just been made or tested."""
    state = request.GET.get("state", "")
    deliveries = deliveries_of(webhook).prefetch_related("attempts")
    if state in Delivery.State.values:
        deliveries = deliveries.filter(state=state)
    page = Paginator(deliveries, PER_PAGE).get_page(request.GET.get("page"))
    soon = timezone.now() + SOON
    waiting = [each for each in page if each.state == Delivery.State.PENDING]
    # What is under way is due again only when its sender must have died.
    moves = any(each.claim or (each.next_attempt_at and each.next_attempt_at <= soon) for each in waiting)
    held = {"url": webhook.url, "description": webhook.description, "event_types": webhook.event_types}
    context = {
        "webhook": webhook,
        "labels": [KINDS[name].label for name in webhook.event_types if name in KINDS],
        "form": form or WebhookForm(initial=held, is_staff=caller(request).is_staff),
        "page": page,
        "is_live": webhook.enabled and moves,
        "state": state,
        "states": Delivery.State.choices,
        "secret": secret,
        "outcome": outcome,
    }
    return render(request, "notifications/webhook.html", context, status=400 if form and form.errors else 200)


def with_secret(request: HttpRequest, webhook: WebhookEndpoint) -> HttpResponse:
    """To its page, which shows its secret once."""
    request.session[JUST_MADE] = str(webhook.pk)
    return redirect("webhook", webhook.pk)


def _secret_once(request: HttpRequest, webhook: WebhookEndpoint) -> str | None:
    if request.method != "GET" or request.session.get(JUST_MADE) != str(webhook.pk):
        return None
    del request.session[JUST_MADE]
    return webhooks.webhook_secret(user=caller(request), webhook_id=webhook.pk)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_detail(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    """Shows it; POST saves what was changed."""
    user = caller(request)
    webhook = _mine(request, webhook_id)
    if request.method != "POST":
        return webhook_page(request, webhook, secret=_secret_once(request, webhook))
    form = WebhookForm(request.POST, is_staff=user.is_staff)
    if form.is_valid():
        try:
            webhooks.webhook_update(user=user, webhook_id=webhook_id, **form.cleaned_data)
        except NotificationError as error:
            for field, problems in error.details.items():
                form.add_error(field, problems)
        else:
            messages.success(request, "The webhook was saved.")
            return redirect("webhook", webhook_id)
    return webhook_page(request, webhook, form=form)


@login_required
@require_POST
def webhook_switch(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    """On or off, as `enabled` says."""
    webhook = _mine(request, webhook_id)
    enabled = request.POST.get("enabled") == "true"
    webhooks.webhook_update(user=caller(request), webhook_id=webhook.pk, enabled=enabled)
    if enabled:
        nudge(tasks.send_due)
    messages.success(request, "The webhook is on." if enabled else "The webhook is off: nothing is sent to it.")
    return redirect("webhook", webhook_id)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def webhook_rotate(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    """A new secret, shown by the next page alone."""
    webhook = _mine(request, webhook_id)
    if request.method != "POST":
        return redirect("webhook", webhook_id)
    webhooks.webhook_rotate_secret(user=caller(request), webhook_id=webhook.pk)
    return with_secret(request, webhook)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def webhook_test(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    """Sends a test message and shows what came back."""
    webhook = _mine(request, webhook_id)
    if request.method != "POST":
        return redirect("webhook", webhook_id)
    outcome = webhooks.webhook_test(user=caller(request), webhook_id=webhook.pk)
    return webhook_page(request, webhook, outcome=outcome)


@login_required
@require_POST
def webhook_delete(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    webhooks.webhook_delete(user=caller(request), webhook_id=_mine(request, webhook_id).pk)
    messages.success(request, "The webhook was deleted, with its log.")
    return redirect("notification-settings")


@login_required
@require_POST
def delivery_replay(request: HttpRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> HttpResponse:
    try:
        webhooks.delivery_replay(user=caller(request), webhook_id=webhook_id, delivery_id=delivery_id)
    except (WebhookNotFound, DeliveryNotFound) as error:
        raise Http404 from error
    except WebhookConflict as error:
        messages.error(request, error.message)
    else:
        nudge(tasks.send_due)
        messages.success(request, "It is sent again. The log below shows what comes of it.")
    return redirect("webhook", webhook_id)


def _mine(request: HttpRequest, webhook_id: uuid.UUID) -> WebhookEndpoint:
    try:
        return webhooks.webhook_get(user=caller(request), webhook_id=webhook_id)
    except WebhookNotFound as error:
        raise Http404 from error
