"""From stored rows to what a channel sends. The same delivery always makes the same message, but for its time."""

import json
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from notifications.channels import signing
from notifications.channels.email import Mail
from notifications.channels.webhook import Message
from notifications.models import Delivery, WebhookEndpoint
from notifications.payloads import address


def mail(delivery: Delivery) -> Mail:
    """The e-mail of a delivery, to its owner's address of now."""
    payload: dict[str, Any] = delivery.payload or {}
    context = {
        **payload.get("data", {}),
        "username": delivery.owner.get_username(),
        "settings_url": address("/settings/notifications"),
    }
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return Mail(
        to=delivery.owner.email,
        subject=context["title"],
        text=render_to_string("email/notice.txt", context),
        html=render_to_string("email/notice.html", context),
        message_id=f"<{delivery.message_id}@{domain}>",
    )


def message(endpoint: WebhookEndpoint, *, message_id: str, payload: dict[str, Any] | None, now: datetime) -> Message:
    """The signed message of a payload to an endpoint."""
    body = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Message(
        url=endpoint.url,
        id=message_id,
        at=int(now.timestamp()),
        body=body.encode("utf-8", "replace"),
        secrets=secrets(endpoint, now=now),
    )


def secrets(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """The secrets that sign for an endpoint, the newest first: for a while after a rotation there are two.

    While SECRET_KEY_FALLBACKS holds former keys, their secrets sign too, so that receivers can follow in their time.
    """
    salts = [endpoint.secret_salt]
    if endpoint.previous_salt and endpoint.previous_until and now < endpoint.previous_until:
        salts.append(endpoint.previous_salt)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [signing.secret_of(key=key, endpoint_id=str(endpoint.pk), salt=salt) for key in keys for salt in salts]
