"""Slows down guessing: what failed lately is counted in rows, so all processes count together, and a restart or a
flushed cache forgets nothing. Where there is no database nobody gets in anyway: it never fails open.

A guess is counted before it is judged (`begin`) and taken back when it was right (`Guess.was_right`), so that
guesses sent all at once are no more than the rate allows.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import FailedGuess

LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class Guess:
    """`wait_s` is how long to wait before the next one; 0 = go on and judge this one."""

    rows: Sequence[int]
    wait_s: int

    def was_right(self) -> None:
        """It was none: forget it."""
        FailedGuess.objects.filter(pk__in=self.rows).delete()


def begin(rate: str, **subjects: str) -> Guess:
    """Count a guess against each of `subjects` (kind → who guesses, or at what) unless one had too many.

    `rate` is such as "10/min": so many may fail in that time.
    """
    allowed, period = _parsed(rate)
    now = timezone.now()
    FailedGuess.objects.filter(at__lt=now - LONGEST).delete()
    keys = [
        hashlib.sha256(f"{kind}:{subject}".encode("utf-8", "surrogatepass")).hexdigest()
        for kind, subject in subjects.items()
    ]
    rows = [FailedGuess.objects.create(key=key, at=now).pk for key in keys]
    wait = max(_wait(key, rows, allowed, period, now) for key in keys)
    if wait:
        FailedGuess.objects.filter(pk__in=rows).delete()
    return Guess(rows, wait)


def network(address: str) -> str:
    """What one guesser can be assumed to have: an IPv4 address, or a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _wait(key: str, own: Sequence[int], allowed: int, period: timedelta, now: datetime) -> int:
    earlier = FailedGuess.objects.filter(key=key, at__gt=now - period).exclude(pk__in=own)
    recent = list(earlier.order_by("-at").values_list("at", flat=True)[:allowed])
    if len(recent) < allowed:
        return 0
    return int((recent[-1] + period - now).total_seconds()) + 1


def _parsed(rate: str) -> tuple[int, timedelta]:
    count, period = rate.split("/")
    return int(count), timedelta(seconds={"s": 1, "m": 60, "h": 3600, "d": 86400}[period[0]])
