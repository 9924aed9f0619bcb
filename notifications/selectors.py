"""Reads."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from notifications.kinds import WEBHOOK
from notifications.models import Delivery, Notification, WebhookEndpoint


def visible_to(user: User) -> QuerySet[Notification]:
    """The notifications that `user` may see: their own, the newest first."""
    return QuerySet(Notification).filter(owner_id=user.pk).order_by("-created_at", "id")


def webhooks_visible_to(user: User) -> QuerySet[WebhookEndpoint]:
    """The webhooks that `user` may see: their own, the oldest first."""
    return QuerySet(WebhookEndpoint).filter(owner_id=user.pk).order_by("created_at", "id")


def deliveries_of(webhook: WebhookEndpoint) -> QuerySet[Delivery]:
    """What was, or is to be, sent to a webhook, the newest first."""
    return QuerySet(Delivery).filter(webhook=webhook, channel=WEBHOOK, owner_id=webhook.owner_id).order_by("-id")
