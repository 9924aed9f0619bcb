"""Reads."""

from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from datasets.models import DatasetEvent
from jobs.models import Alert, JobEvent
from notifications.kinds import IN_APP, WEBHOOK
from notifications.models import Delivery, Horizon, Notification, WebhookEndpoint

Event = TypeVar("Event", JobEvent, DatasetEvent, Alert)


def visible_to(user: User) -> QuerySet[Notification]:
    """The notifications that `user` may see: their own, the newest first."""
    return QuerySet(Notification).filter(owner_id=user.pk).order_by("-created_at", "id")


def webhooks_visible_to(user: User) -> QuerySet[WebhookEndpoint]:
    """The webhooks that `user` may see: their own, the oldest first."""
    return QuerySet(WebhookEndpoint).filter(owner_id=user.pk).order_by("created_at", "id")


def deliveries_of(webhook: WebhookEndpoint) -> QuerySet[Delivery]:
    """What was, or is to be, sent to a webhook, the newest first; of several ends in one message, that message."""
    sent = {"webhook": webhook, "channel": WEBHOOK, "owner_id": webhook.owner_id, "gathered_into": None}
    return QuerySet(Delivery).filter(**sent).order_by("-id")


def undelivered(events: QuerySet[Event], link: str) -> QuerySet[Event]:
    """Those without a delivery; `link` is the deliveries' field that names them.

    One statement, so that it sees the horizon of whatever deliveries it does not see any more.
    """
    delivered = Delivery.objects.filter(channel=IN_APP, endpoint="", **{link: OuterRef("pk")})
    forgotten = Horizon.objects.filter(before__gt=OuterRef("created_at"))
    return events.filter(~Exists(delivered), ~Exists(forgotten)).order_by("pk")
