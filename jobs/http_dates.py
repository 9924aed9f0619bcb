"""Dates of HTTP headers, which strangers write."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parsed(text: str) -> datetime | None:
    """The moment that a header names (RFC 9110, 5.6.7); None where it names none, or one beyond all calendars."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
