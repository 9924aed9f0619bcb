"""Ends of jobs in one message, when the last one has ended.

Where a way out gathers (kinds.JOBS_ENDED), dispatch makes the delivery of each end as ever, but *held*. Here the held
ones of an owner's way become one message, once

    none of the owner's jobs is active        (a job that is started again by itself is; a retry is a job of its own)
    no end of theirs waits for its delivery   (two jobs that end at the same moment: the other one's is held first)

in that order: an end is committed together with its event, so whoever sees no active job sees all their events. The
newest held row then carries the message, under its own constant id, and the others point at it, in one transaction
under the rows' locks; whoever comes second finds nothing held. A lost nudge costs until Beat looks again.
"""

import logging

from django.db import DatabaseError, transaction
from django.utils import timezone

from jobs.models import JobEvent, TrainingJob
from jobs.states import ACTIVE, TERMINAL
from notifications import payloads
from notifications.models import Delivery
from notifications.selectors import undelivered

logger = logging.getLogger(__name__)


def gather() -> int:
    """Make the messages whose time has come; returns how many. Harmless when repeated or run twice at once."""
    held = Delivery.objects.filter(state=Delivery.State.HELD).order_by("owner", "channel", "endpoint")
    made = 0
    settled: dict[int, bool] = {}
    for owner_id, channel, endpoint in list(held.values_list("owner", "channel", "endpoint").distinct()):
        try:
            if owner_id not in settled:
                settled[owner_id] = _has_settled(owner_id)
            if settled[owner_id]:
                made += _gather(owner_id, channel, endpoint)
        except DatabaseError:
            logger.exception("Could not gather what is held for owner %s", owner_id)
    return made


def _has_settled(owner_id: int) -> bool:
    """In this order: see above."""
    if TrainingJob.objects.filter(owner_id=owner_id, status__in=ACTIVE).exists():
        return False
    ends = JobEvent.objects.filter(owner_id=owner_id, kind="status", to_status__in=TERMINAL)
    return not undelivered(ends, "job_event").exists()


def _gather(owner_id: int, channel: str, endpoint: str) -> bool:
    """Whether there was something to tell."""
    mine = Delivery.objects.filter(state=Delivery.State.HELD, owner_id=owner_id, channel=channel, endpoint=endpoint)
    with transaction.atomic():
        rows = list(mine.select_for_update().order_by("job_event_id"))
        if not rows:
            return False
        *others, carrier = rows
        Delivery.objects.filter(pk__in=[row.pk for row in others]).update(
            state=Delivery.State.DONE, gathered_into=carrier.pk
        )
        Delivery.objects.filter(pk=carrier.pk).update(
            state=Delivery.State.PENDING,
            payload=payloads.gathered([row.payload or {} for row in rows]),
            next_attempt_at=timezone.now(),
        )
    return True
