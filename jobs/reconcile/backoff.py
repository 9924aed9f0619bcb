"""When to try again. Pure but for the jitter, which keeps jobs that failed together from returning together."""

import random
from datetime import datetime, timedelta

from django.db.models import Q

LONGEST_SECONDS = 600.0
# GPUs that nobody wants any more cost money.
LONGEST_SECONDS_OF_A_CANCEL = 60.0
# Longer than a cluster may tell us to wait, with the jitter, and than the tick's interval may be.
LONGEST_WAIT = timedelta(hours=2)


def due_in(field: str, now: datetime) -> Q:
    """Jobs that are due by this column. No wait is as long as LONGEST_WAIT: beyond it a clock was wrong."""
    return Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + LONGEST_WAIT})


def is_due(at: datetime, now: datetime) -> bool:
    """The same for one moment."""
    return not now < at <= now + LONGEST_WAIT


def retry_at(
    now: datetime,
    *,
    failures: int,
    told_s: float | None = None,
    first_s: float = 5.0,
    longest_s: float = LONGEST_SECONDS,
) -> datetime:
    """`first_s` doubled with each failure up to `longest_s`, or what the cluster told us, plus up to 20 %."""
    if told_s is not None:
        wait = min(max(told_s, 1.0), 3600.0)
    else:
        wait = min(first_s * 2 ** min(max(failures - 1, 0), 10), longest_s)
    return now + timedelta(seconds=wait * random.uniform(1.0, 1.2))  # noqa: S311 - not a secret


def next_slot(due: datetime, now: datetime, interval_s: int) -> datetime:
    """When a job that was due at `due` and is handled `now` is due again: whole intervals later, counted from its due.

    However long it waited in its queue, the next tick finds it: counted from `now`, every second tick would miss.
    After a long pause it is due at the very next tick, once. One that a tick took early moves to that tick's pace.
    """
    interval = timedelta(seconds=interval_s)
    missed = max(1, (now - due) // interval)
    return min(due, now) + missed * interval
