"""Times as all that goes out writes them: answers, tables, webhooks. Pure."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, such as 2026-11-23T12:00:00Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
