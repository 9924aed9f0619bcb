"""Sends the deliveries that are due: claim (a row that outlives us) → call, outside any transaction → apply.

    lanes: one per webhook endpoint, one for e-mail; each sends one after the other, all side by side

A lane rests after a failure, and an endpoint whose call failed waits three times as long as the call took: a
slow one takes a quarter of one lane at most, and delays nobody else. A sender that is killed leaves its claim, which
runs out; whoever comes then sends again, with the same id.
"""

import logging
import random
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from notifications import compose, retries
from notifications.channels import email, webhook
from notifications.channels.base import Outcome
from notifications.kinds import EMAIL, WEBHOOK
from notifications.models import Delivery, DeliveryAttempt, Notification, WebhookEndpoint

logger = logging.getLogger(__name__)
P = ParamSpec("P")
Answer = TypeVar("Answer")

LANES = 16
LEASE = timedelta(seconds=90)  # longer than a call may take, the resolver's patience included
PATIENCE = 3  # an endpoint waits so many times as long as its failed call took
FAILING = timedelta(days=1)  # an endpoint that took nothing for so long is switched off when a delivery is given up


@dataclass(frozen=True)
class _Claim:
    """A delivery that we alone may send until its lease ends. Its lane: a webhook's id, or None for e-mail."""

    delivery: Delivery
    attempt: DeliveryAttempt
    token: uuid.UUID
    lane: uuid.UUID | None


def is_due() -> bool:
    """Whether there is anything to send now."""
    return _due(timezone.now()).exists()


def send_due(*, seconds: float = 20) -> int:
    """Send what is due, beginning calls for at most `seconds`; returns how many calls were made."""
    until = monotonic() + seconds
    calls = 0
    with ThreadPoolExecutor(LANES) as pool:
        running: dict[Future[Outcome], _Claim] = {}
        lanes = _due_lanes(timezone.now())
        while lanes or running:
            for claim in filter(None, map(_safely(_claim), lanes)):
                running[pool.submit(_call, claim, timezone.now())] = claim
                calls += 1
            lanes = []
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                claim = running.pop(future)
                outcome = _outcome(future)
                _safely(_apply)(claim, outcome)
                if _goes_on(claim, outcome) and monotonic() < until:
                    lanes.append(claim.lane)
    return calls


def _safely(step: Callable[P, Answer]) -> Callable[P, Answer | None]:
    """One row that cannot be read or written never stops the others; its lease runs out, and it is tried again."""

    def run(*args: P.args, **kwargs: P.kwargs) -> Answer | None:
        try:
            return step(*args, **kwargs)
        except DatabaseError:
            logger.exception("A delivery could not be claimed or settled")
            return None

    return run


def _goes_on(claim: _Claim, outcome: Outcome) -> bool:
    """After a failure a lane rests; a mail server that answers about one recipient serves the next."""
    return outcome.ok or (claim.lane is None and outcome.status_code is not None)


def _waiting(now: datetime) -> QuerySet[Delivery]:
    channels = [WEBHOOK, EMAIL] if settings.EMAIL_CONFIGURED else [WEBHOOK]
    return Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now, channel__in=channels)


def _due(now: datetime) -> QuerySet[Delivery]:
    idle = Q(webhook__busy_until=None) | Q(webhook__busy_until__lte=now)
    return _waiting(now).filter(Q(webhook=None) | Q(idle, webhook__enabled=True))


def _due_lanes(now: datetime) -> list[uuid.UUID | None]:
    """Where something is due, whoever waits longest first."""
    lanes = _due(now).order_by().values("webhook_id").annotate(since=Min("next_attempt_at")).order_by("since")
    return [lane["webhook_id"] for lane in lanes[:LANES]]


def _claim(lane: uuid.UUID | None) -> _Claim | None:
    """Take the oldest due delivery of a lane, with the intent to call written down; None = nothing to take."""
    now = timezone.now()
    with transaction.atomic():
        delivery = (
            _due(now).filter(webhook_id=lane).select_related("owner", "webhook").order_by("next_attempt_at", "pk")
        )
        taken = delivery.first()
        if taken is None:
            return None
        if taken.tries >= retries.MAX_TRIES:  # each time the sender was killed on the way
            error = "Given up: whoever sent it was stopped each time."
            _waiting(now).filter(pk=taken.pk).update(
                state=Delivery.State.FAILED, next_attempt_at=None, last_error=error
            )
            return None
        token = uuid.uuid4()
        number = taken.attempts_made + 1
        changed = (
            _waiting(now)
            .filter(pk=taken.pk, attempts_made=taken.attempts_made)
            .update(claim=token, next_attempt_at=now + LEASE, tries=taken.tries + 1, attempts_made=number)
        )
        idle = Q(busy_until=None) | Q(busy_until__lte=now)
        if lane is not None and changed:
            changed = WebhookEndpoint.objects.filter(idle, pk=lane, enabled=True).update(busy_until=now + LEASE)
        if not changed:  # somebody else was faster
            transaction.set_rollback(True)
            return None
        taken.tries += 1
        attempt = DeliveryAttempt.objects.create(
            delivery=taken, owner_id=taken.owner_id, number=number, is_replay=taken.is_replay, started_at=now
        )
    return _Claim(taken, attempt, token, lane)


def _call(claim: _Claim, now: datetime) -> Outcome:
    """In a thread of its own, without the database."""
    delivery = claim.delivery
    if delivery.webhook is None:
        if not delivery.owner.email or not delivery.owner.is_active:
            return Outcome(ok=False, seconds=0, error="The account has no e-mail address any more.", permanent=True)
        return email.send(compose.mail(delivery))
    message = compose.message(
        delivery.webhook, message_id=f"msg_{delivery.message_id}", payload=delivery.payload, now=now
    )
    return webhook.send(message, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except Exception:
        logger.exception("A delivery could not be sent")
        return Outcome(ok=False, seconds=0, error="It could not be sent; the operator's log has the details.")


def _apply(claim: _Claim, outcome: Outcome) -> None:
    """Write down what came of it. Where our lease has run out the delivery is somebody else's; the log is ours."""
    now = timezone.now()
    delivery = claim.delivery
    said = {"status_code": outcome.status_code, "error": outcome.error}
    changes: dict[str, Any] = {"claim": None, "last_status_code": outcome.status_code, "last_error": outcome.error}
    again = None
    if not outcome.ok and not outcome.permanent:
        again = retries.next_try(
            tries=delivery.tries,
            now=now,
            chance=random.random(),  # noqa: S311 - spreads load
            asked_s=outcome.retry_after_s,
        )
    if outcome.ok:
        changes |= {"state": Delivery.State.DONE, "delivered_at": now, "next_attempt_at": None, "is_replay": False}
    else:
        state = Delivery.State.PENDING if again else Delivery.State.FAILED
        changes |= {"state": state, "next_attempt_at": again, "is_replay": False}
    with transaction.atomic():
        DeliveryAttempt.objects.filter(pk=claim.attempt.pk).update(
            seconds=outcome.seconds, answer=outcome.answer, **said
        )
        mine = Delivery.objects.filter(pk=delivery.pk, claim=claim.token).update(**changes)
        if claim.lane is not None:
            _settle(claim.lane, outcome, now, given_up=bool(mine) and not outcome.ok and again is None)
    logger.log(
        logging.INFO if outcome.ok else logging.WARNING,
        *("Delivery %s by %s: %s", delivery.pk, delivery.channel, "delivered" if outcome.ok else outcome.error),
    )


def _settle(endpoint_id: uuid.UUID, outcome: Outcome, now: datetime, *, given_up: bool) -> None:
    """Free the endpoint for the next call, or switch it off."""
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if outcome.ok:
        endpoint.update(busy_until=None, last_success_at=now)
        return
    endpoint.update(busy_until=now + PATIENCE * timedelta(seconds=outcome.seconds))
    failing = Q(last_success_at=None) | Q(last_success_at__lt=now - FAILING)
    if outcome.gone:
        _switch_off(endpoint, now, "It answered 410 Gone: it wants no more messages.")
    elif given_up:
        _switch_off(endpoint.filter(failing), now, f"It took no message for more than a day. Last: {outcome.error}")


def _switch_off(endpoint: QuerySet[WebhookEndpoint], now: datetime, reason: str) -> None:
    """Once, and its owner is told."""
    row = endpoint.filter(enabled=True).first()
    if row is None or not endpoint.filter(enabled=True).update(
        enabled=False, disabled_at=now, disabled_reason=reason[:300]
    ):
        return
    Notification.objects.create(
        owner_id=row.owner_id,
        type="webhook_disabled",
        title="A webhook was switched off",
        message=f"{row.url[:300]}: {reason} Mend it, then switch it on again: what waits is sent then.",
        priority="high",
        action_url=f"/settings/webhooks/{row.pk}",
    )
