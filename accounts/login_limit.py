"""Slows down guessing of passwords: failed logins are counted per address and per username.

Counts live in Django's cache, so with its in-memory default each web process counts for itself.
"""

import hashlib
import time

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.settings import api_settings
from rest_framework.throttling import AnonRateThrottle


def seconds_to_wait(request: HttpRequest, username: str) -> int:
    """How long this address, or anybody for this username, has to wait; 0 = go ahead."""
    allowed, period = _rate()
    now = time.time()
    waits = [0]
    for key in _keys(request, username):
        recent = [moment for moment in cache.get(key, []) if moment > now - period]
        if len(recent) >= allowed:
            waits.append(int(recent[-allowed] + period - now) + 1)
    return max(waits)


def record_failure(request: HttpRequest, username: str) -> None:
    """Counts one failed login."""
    allowed, period = _rate()
    for key in _keys(request, username):
        cache.set(key, [*cache.get(key, []), time.time()][-allowed:], period)


def _rate() -> tuple[int, int]:
    """settings' "login" rate, such as "10/min", as (failures, seconds)."""
    count, period = str(api_settings.DEFAULT_THROTTLE_RATES["login"]).split("/")
    return int(count), {"s": 1, "m": 60, "h": 3600, "d": 86400}[period[0]]


def _keys(request: HttpRequest, username: str) -> list[str]:
    address = AnonRateThrottle().get_ident(request)  # type: ignore[arg-type]
    return [
        f"login-failures:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
        for kind, value in (("address", address), ("username", username.casefold()))
    ]
