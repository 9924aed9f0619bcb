"""When a delivery is tried again, and when it is given up. Pure: the clock and chance are handed in."""

from datetime import datetime, timedelta

# Waits after the first, second … failure: seven more tries within a day and a bit.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
MAX_TRIES = len(WAITS) + 1
JITTER = 0.1
LONGEST_ASKED = timedelta(hours=12)


def next_try(*, tries: int, now: datetime, chance: float, asked_s: float | None = None) -> datetime | None:
    """When to try again after `tries` failed ones; None = give up.

    `chance` (0 to 1) lengthens a wait by up to JITTER of it, so that what failed together does not come back
    together. `asked_s` is what the receiver asked for (Retry-After, seconds): never earlier, and at most
    LONGEST_ASKED later.
    """
    if tries >= MAX_TRIES:
        return None
    wait = WAITS[tries - 1] * (1 + JITTER * chance)
    if asked_s is not None:
        wait = max(wait, min(timedelta(seconds=asked_s), LONGEST_ASKED))
    return now + wait
