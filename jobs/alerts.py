"""Writes what operators have to know; notifications tell them."""

import logging
from typing import Any

from jobs.models import Alert

logger = logging.getLogger(__name__)


def record(kind: str, subject: str, message: str, *, detail: dict[str, Any] | None = None) -> None:
    """Write one alert, in the caller's transaction where there is one. The caller sees to it that it is news."""
    Alert.objects.create(kind=kind, subject=subject[:200], message=message[:500], detail=detail or {})
    logger.warning("%s: %s", subject, message)


def record_once(kind: str, subject: str, message: str, *, detail: dict[str, Any] | None = None) -> bool:
    """Write an alert about an orphan unless it was written before, by whomever; whether it is news."""
    given = {"message": message[:500], "detail": detail or {}}
    _, is_news = Alert.objects.get_or_create(kind=kind, subject=subject[:200], defaults=given)
    if is_news:
        logger.warning("%s: %s", subject, message)
    return is_news
