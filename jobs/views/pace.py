"""The API's limits for what a page does of the same kind."""

import math

from django.http import HttpRequest
from rest_framework.throttling import ScopedRateThrottle


class _Of:
    """What a throttle asks of an API view."""

    def __init__(self, scope: str) -> None:
        self.throttle_scope = scope


def wait(request: HttpRequest, scope: str) -> int:
    """Counts a request against a rate of settings.REST_FRAMEWORK; 0 where it may go on, else the seconds to wait."""
    throttle = ScopedRateThrottle()
    if throttle.allow_request(request, _Of(scope)):  # type: ignore[arg-type]
        return 0
    return max(1, math.ceil(throttle.wait() or 1))
