"""Time: seconds since the epoch inside, ISO 8601 in UTC outside."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the node gets its time from; tests hand in one that they move themselves."""

    def now(self) -> float:
        """Seconds since the epoch; never falls within one process."""


class SystemClock:
    """Wall time at start plus monotonic time since: an NTP correction never makes a run jump back."""

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()

    def now(self) -> float:
        return self._origin + time.monotonic()


def iso(moment: float | None) -> str | None:
    """`2026-11-23T15:26:00.123Z`, or None for None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
