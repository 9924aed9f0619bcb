"""What users do with their webhooks."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notifications import compose, payloads
from notifications.channels import signing, targets, webhook
from notifications.channels.base import Outcome
from notifications.exceptions import DeliveryNotFound, InvalidInput, WebhookConflict, WebhookNotFound
from notifications.kinds import offered
from notifications.models import Delivery, WebhookEndpoint
from notifications.selectors import deliveries_of, webhooks_visible_to

MAX_WEBHOOKS = 20
BOTH_SIGN = timedelta(days=1)  # after a rotation, so that the receiver can change over in peace


def webhook_create(
    *, user: User, url: str, event_types: Sequence[str], description: str = ""
) -> tuple[WebhookEndpoint, str]:
    """A new webhook and its secret, which is stored nowhere. Raises InvalidInput or WebhookConflict."""
    row = WebhookEndpoint(
        owner=user,
        url=_checked_url(url),
        event_types=_checked_types(user, event_types),
        description=description,
        secret_salt=signing.new_salt(),
    )
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two at once would both find room
        if webhooks_visible_to(user).count() >= MAX_WEBHOOKS:
            raise WebhookConflict(f"You have {MAX_WEBHOOKS} webhooks, and no more are kept: delete one first.")
        row.save(force_insert=True)
    return row, _secret(row)


def webhook_get(*, user: User, webhook_id: uuid.UUID) -> WebhookEndpoint:
    """One of the user's; raises WebhookNotFound."""
    row = webhooks_visible_to(user).filter(pk=webhook_id).first()
    if row is None:
        raise WebhookNotFound
    return row


def webhook_secret(*, user: User, webhook_id: uuid.UUID) -> str:
    """What its messages are signed with now, for the page after a new one alone. Raises WebhookNotFound."""
    return _secret(webhook_get(user=user, webhook_id=webhook_id))


def webhook_update(
    *,
    user: User,
    webhook_id: uuid.UUID,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> WebhookEndpoint:
    """Change what is given. What waited for a webhook that was off goes out once it is on."""
    row = webhook_get(user=user, webhook_id=webhook_id)
    if url is not None:
        row.url = _checked_url(url)
    if event_types is not None:
        row.event_types = _checked_types(user, event_types)
    if description is not None:
        row.description = description
    if enabled is not None and enabled != row.enabled:
        row.enabled = enabled
        row.disabled_at = None if enabled else timezone.now()
        row.disabled_reason = ""
        row.busy_until = None
    row.save(
        update_fields=[
            *("url", "event_types", "description", "enabled", "disabled_at", "disabled_reason", "busy_until"),
            "updated_at",
        ]
    )
    return row


def webhook_delete(*, user: User, webhook_id: uuid.UUID) -> None:
    """With its log; what waits for it is not sent any more."""
    webhook_get(user=user, webhook_id=webhook_id).delete()


def webhook_rotate_secret(*, user: User, webhook_id: uuid.UUID) -> tuple[WebhookEndpoint, str]:
    """A new secret. The one before signs as well for a day."""
    row = webhook_get(user=user, webhook_id=webhook_id)
    row.previous_salt, row.previous_until = row.secret_salt, timezone.now() + BOTH_SIGN
    row.secret_salt = signing.new_salt()
    row.save(update_fields=["secret_salt", "previous_salt", "previous_until", "updated_at"])
    return row, _secret(row)


def webhook_test(*, user: User, webhook_id: uuid.UUID) -> Outcome:
    """Send a test message at once, and once, whether the webhook is on or off; it is not in the log."""
    row = webhook_get(user=user, webhook_id=webhook_id)
    now = timezone.now()
    message = compose.message(row, message_id=f"test_{uuid.uuid4()}", payload=payloads.sample(now), now=now)
    return webhook.send(message, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)


def delivery_get(*, user: User, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery:
    """One delivery to a webhook of the user's; raises WebhookNotFound or DeliveryNotFound."""
    row = deliveries_of(webhook_get(user=user, webhook_id=webhook_id)).filter(message_id=delivery_id).first()
    if row is None:
        raise DeliveryNotFound
    return row


def delivery_replay(*, user: User, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery:
    """Make a delivery due now, with the same id and content, whatever came of it before.

    Raises WebhookConflict while it is being sent, or while the webhook is off.
    """
    row = delivery_get(user=user, webhook_id=webhook_id, delivery_id=delivery_id)
    if not webhook_get(user=user, webhook_id=webhook_id).enabled:
        raise WebhookConflict("The webhook is switched off: switch it on first.")
    now = timezone.now()
    if row.state == Delivery.State.HELD:
        raise WebhookConflict("This delivery waits until your last job has ended.")
    free = Q(claim=None) | Q(next_attempt_at__lte=now)
    changed = (
        Delivery.objects.filter(free, pk=row.pk)
        .exclude(state=Delivery.State.HELD)
        .update(state=Delivery.State.PENDING, next_attempt_at=now, claim=None, tries=0, is_replay=True)
    )
    if not changed:
        raise WebhookConflict("This delivery is being sent right now: look again in a minute.")
    row.refresh_from_db()
    return row


def _secret(row: WebhookEndpoint) -> str:
    return compose.secrets(row, now=timezone.now())[0]


def _checked_url(url: str) -> str:
    try:
        return targets.parse(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE).url
    except targets.Refused as refusal:
        raise InvalidInput.of("url", refusal.message) from None


def _checked_types(user: User, given: Sequence[str]) -> list[str]:
    """Each once, in their usual order."""
    known = [kind.name for kind in offered(is_staff=user.is_staff)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InvalidInput.of("event_types", f"Unknown: {unknown[0][:40]}. There are {', '.join(known)}.")
    if not given:
        raise InvalidInput.of("event_types", "Choose at least one.")
    return [name for name in known if name in given]
