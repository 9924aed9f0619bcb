"""From the events of jobs and datasets, and the alerts for operators (outboxes), to deliveries.

Events without a delivery row are found by anti-join, never by a high-water mark: a transaction that commits
late would be missed. An event that tells nothing gets its row as well, so that the next look passes over it.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from datasets.models import DatasetEvent
from jobs.models import Alert, JobEvent
from jobs.reasons import REASONS, error_code
from notifications import payloads
from notifications.audience import Audience, operators
from notifications.deliver import IN_APP, deliver
from notifications.models import Delivery
from notifications.rules import Notice, alert_notice, dataset_notice, job_notice
from notifications.selectors import Event, undelivered

logger = logging.getLogger(__name__)

# Looking through a million delivered events takes a third of a second: too much for every nudge.
RECENT = 5_000


def dispatch_pending(*, limit: int = 500, everything: bool = False) -> int:
    """Deliver up to `limit` waiting events of each kind, the oldest first; returns how many were handled.

    Looks at the RECENT newest events, or at all of them with `everything`.
    """
    audience = Audience()
    handled = 0
    for of_job in _pending(JobEvent.objects.select_related("job"), "job_event", everything)[:limit]:
        handled += _handle(audience, "job_event", of_job, _of_job(of_job), _about_job(of_job))
    for of_data in _pending(DatasetEvent.objects.select_related("dataset"), "dataset_event", everything)[:limit]:
        handled += _handle(audience, "dataset_event", of_data, _of_dataset(of_data), _about_dataset(of_data))
    for alert in _pending(Alert.objects.all(), "alert", everything)[:limit]:
        handled += _tell_operators(audience, alert)
    return handled


def _pending(events: QuerySet[Event], link: str, everything: bool) -> QuerySet[Event]:
    if not everything:
        newest = events.model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        events = events.filter(pk__gt=newest - RECENT)
    return undelivered(events, link)


def _tell_operators(audience: Audience, alert: Alert) -> bool:
    """All of them in one transaction: one row is enough to pass over the alert next time."""
    notice = alert_notice(alert_id=alert.pk, kind=alert.kind, subject=alert.subject, message=alert.message)
    try:
        with transaction.atomic():
            told = [
                _hand_over(audience, "alert", alert, owner_id, notice, lambda: payloads.of_alert(alert))
                for owner_id in operators()
            ]
    except DatabaseError:
        logger.exception("Could not deliver alert %s", alert.pk)
        return False
    return any(told)


def _handle(audience: Audience, link: str, event: JobEvent | DatasetEvent, *rest: Any) -> bool:
    """Deliver or pass over one event; one that cannot be stored never stops the others."""
    try:
        return _hand_over(audience, link, event, event.owner_id, *rest)
    except DatabaseError:
        logger.exception("Could not deliver %s %s", link, event.pk)
        return False


def _hand_over(
    audience: Audience,
    link: str,
    event: JobEvent | DatasetEvent | Alert,
    owner_id: int,
    notice: Notice | None,
    about: Callable[[], dict[str, Any]],
) -> bool:
    """Store what one event means for one person; False = somebody has."""

    def row(channel: str, **more: Any) -> Delivery:
        return Delivery(**{link: event}, owner_id=owner_id, channel=channel, **more)

    others = [] if notice is None else _ways_out(audience, row, owner_id, notice, event.created_at, about)
    if notice is not None and not audience.wishes(owner_id).in_app(notice.type):
        notice = None
    return deliver(row(IN_APP.name), notice, IN_APP, others)


def _ways_out(
    audience: Audience,
    row: Callable[..., Delivery],
    owner_id: int,
    notice: Notice,
    at: datetime,
    about: Callable[[], dict[str, Any]],
) -> list[Delivery]:
    """The rows of what leaves the house; they are due at once, or held until they are gathered."""
    ways = audience.wishes(owner_id).ways_out(notice.type)
    payload = payloads.payload(notice, at=at, about=about()) if ways else None
    return [
        row(
            way.channel,
            endpoint=str(way.endpoint.pk) if way.endpoint else "",
            webhook=way.endpoint,
            payload=payload,
            message_id=uuid.uuid4(),
            state=Delivery.State.HELD if way.gathers else Delivery.State.PENDING,
            next_attempt_at=None if way.gathers else timezone.now(),
        )
        for way in ways
    ]


def _of_job(event: JobEvent) -> Notice | None:
    job = event.job
    has_advice = event.to_status == "failed" or job.error_code  # what was cancelled without a code, its user stopped
    return job_notice(
        job_id=job.pk,
        name=job.name,
        kind=event.kind,
        to_status=event.to_status,
        message=event.message,
        detail=event.detail,
        reason=job.error_message,
        advice=REASONS[error_code(job.error_code)].advice if has_advice else "",
    )


def _of_dataset(event: DatasetEvent) -> Notice | None:
    dataset = event.dataset
    return dataset_notice(dataset_id=dataset.pk, name=dataset.name, kind=event.kind, message=event.message)


def _about_job(event: JobEvent) -> Callable[[], dict[str, Any]]:
    return lambda: payloads.of_job(event.job, status=event.to_status)


def _about_dataset(event: DatasetEvent) -> Callable[[], dict[str, Any]]:
    return lambda: payloads.of_dataset(event.dataset)
