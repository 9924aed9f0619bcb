"""Forgets old deliveries. Their events stay, and must not be told again because nothing says that they were.

So the horizon moves on first, in a transaction of its own: dispatch passes over events before it, in the statement that
looks for undelivered ones. Then go the deliveries that are older, and whose events are. What still waits stays.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from notifications.models import Delivery, Horizon

BATCH = 1000
BATCHES = 200  # a day's worth of the largest installation; the rest goes tomorrow


def prune(*, now: datetime, keep: timedelta) -> int:
    """Forget what ended more than `keep` ago; returns how many deliveries. Harmless when repeated or run twice."""
    before = now - keep
    _move_horizon(before)
    gone = 0
    for _ in range(BATCHES):
        oldest = list(_old(before).order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not oldest:
            break
        gone += Delivery.objects.filter(pk__in=oldest).delete()[1].get(Delivery._meta.label, 0)
    return gone


def _move_horizon(before: datetime) -> None:
    """Never back: what was forgotten under a shorter `keep` stays forgotten."""
    _, is_new = Horizon.objects.get_or_create(singleton=True, defaults={"before": before})
    if not is_new:
        Horizon.objects.filter(before__lt=before).update(before=before)


def _old(before: datetime) -> QuerySet[Delivery]:
    events: Any = Q()
    for link in ("job_event", "dataset_event", "alert"):
        events |= Q(**{f"{link}__created_at__lt": before})
    ended = [Delivery.State.DONE, Delivery.State.FAILED]
    return Delivery.objects.filter(events, created_at__lt=before, state__in=ended)
