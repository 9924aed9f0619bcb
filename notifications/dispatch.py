"""From the events of jobs and datasets (an outbox) to deliveries.

Events without a delivery row are found by anti-join, never by a high-water mark: a transaction that commits
late would be missed. An event that tells nothing gets its row as well, so that the next look passes over it.
"""

import logging
from typing import TypeVar

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, QuerySet

from datasets.models import DatasetEvent
from jobs.models import JobEvent
from jobs.reasons import REASONS, error_code
from notifications.deliver import IN_APP, deliver
from notifications.models import Delivery
from notifications.rules import Notice, dataset_notice, job_notice

logger = logging.getLogger(__name__)

# Looking through a million delivered events takes a third of a second: too much for every nudge.
RECENT = 5_000

Event = TypeVar("Event", JobEvent, DatasetEvent)


def dispatch_pending(*, limit: int = 500, everything: bool = False) -> int:
    """Deliver up to `limit` waiting events of each kind, the oldest first; returns how many were handled.

    Looks at the RECENT newest events, or at all of them with `everything`.
    """
    handled = 0
    job_events = _pending(JobEvent.objects.select_related("job"), "job_event", everything)
    for job_event in job_events[:limit]:
        row = Delivery(job_event=job_event, owner_id=job_event.owner_id, channel=IN_APP.name)
        handled += _handle(row, _of_job(job_event))
    dataset_events = _pending(DatasetEvent.objects.select_related("dataset"), "dataset_event", everything)
    for dataset_event in dataset_events[:limit]:
        row = Delivery(dataset_event=dataset_event, owner_id=dataset_event.owner_id, channel=IN_APP.name)
        handled += _handle(row, _of_dataset(dataset_event))
    return handled


def _pending(events: QuerySet[Event], link: str, everything: bool) -> QuerySet[Event]:
    if not everything:
        newest = events.model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        events = events.filter(pk__gt=newest - RECENT)
    delivered = Delivery.objects.filter(channel=IN_APP.name, endpoint="", **{link: OuterRef("pk")})
    return events.filter(~Exists(delivered)).order_by("pk")


def _handle(row: Delivery, notice: Notice | None) -> bool:
    """Deliver or pass over one event; one that cannot be stored never stops the others."""
    try:
        if notice is not None:
            return deliver(row, notice, IN_APP)
        row.state = Delivery.State.DONE
        Delivery.objects.bulk_create([row], ignore_conflicts=True)
    except DatabaseError:
        logger.exception("Could not deliver event %s", row.job_event_id or row.dataset_event_id)
        return False
    return True


def _of_job(event: JobEvent) -> Notice | None:
    job = event.job
    failed = event.to_status == "failed"
    return job_notice(
        job_id=job.pk,
        name=job.name,
        kind=event.kind,
        to_status=event.to_status,
        message=event.message,
        detail=event.detail,
        reason=job.error_message if failed else "",
        advice=REASONS[error_code(job.error_code)].advice if failed else "",
    )


def _of_dataset(event: DatasetEvent) -> Notice | None:
    dataset = event.dataset
    return dataset_notice(dataset_id=dataset.pk, name=dataset.name, kind=event.kind, message=event.message)
