"""Writes what operators have to know; notifications tell them."""

import logging
from typing import Any

from jobs.models import Alert

logger = logging.getLogger(__name__)


def record(kind: str, subject: str, message: str, *, detail: dict[str, Any] | None = None) -> None:
    """Write one alert, in the caller's transaction where there is one. The caller sees to it that it is news."""
    Alert.objects.create(kind=kind, subject=subject[:200], message=message[:500], detail=detail or {})
    logger.warning("%s: %s", subject, message)
