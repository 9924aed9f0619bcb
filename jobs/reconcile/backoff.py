"""When to try again. Pure but for the jitter, which keeps jobs that failed together from returning together."""

import random
from datetime import datetime, timedelta

LONGEST_SECONDS = 600.0


def retry_at(now: datetime, *, failures: int, told_s: float | None = None, first_s: float = 5.0) -> datetime:
    """`first_s` doubled with each failure up to ten minutes, or what the cluster told us, plus up to 20 %."""
    if told_s is not None:
        wait = min(max(told_s, 1.0), 3600.0)
    else:
        wait = min(first_s * 2 ** min(max(failures - 1, 0), 10), LONGEST_SECONDS)
    return now + timedelta(seconds=wait * random.uniform(1.0, 1.2))  # noqa: S311 - not a secret


def next_slot(now: datetime, interval_s: int) -> datetime:
    """The start of the next polling slot: polls stay in step with the ticks instead of missing every second one."""
    return datetime.fromtimestamp((now.timestamp() // interval_s + 1) * interval_s, tz=now.tzinfo)
