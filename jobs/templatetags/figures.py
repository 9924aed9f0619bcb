"""Values as people read them, in templates. static/format.js writes the same texts in the browser.

Whatever is absent is "—"; 0 is a value and stays 0.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django import template
from django.utils import timezone

from jobs.states import Status

register = template.Library()

ABSENT = "—"

# What a filter gets: a template says "" for a key that a mapping does not have.
Number = Decimal | float | Literal[""] | None

# status -> (word, icon of static/icons.svg, meaning of components.css)
BADGES: dict[str, tuple[str, str, str]] = {
    Status.QUEUED: ("Queued", "clock", "plain"),
    Status.INITIALIZING: ("Initializing", "loader", "accent"),
    Status.RUNNING: ("Running", "activity", "good"),
    Status.CANCELLING: ("Cancelling…", "stop", "warn"),
    Status.COMPLETED: ("Completed", "check", "accent"),
    Status.FAILED: ("Failed", "x-circle", "bad"),
    Status.CANCELLED: ("Cancelled", "ban", "plain"),
}


@register.inclusion_tag("jobs/badge.html")
def status_badge(status: str) -> dict[str, str]:
    """A job's status as icon, word and colour."""
    word, icon, meaning = BADGES[status]
    return {"status": status, "word": word, "icon": icon, "meaning": meaning}


@register.filter
def status_word(status: str) -> str:
    """queued -> "Queued"."""
    return BADGES[status][0]


@register.simple_tag
def every_status() -> list[str]:
    return [str(status) for status in Status]


@register.filter
def count(value: Number) -> str:
    """12345 -> "12,345"."""
    return ABSENT if value is None or isinstance(value, str) else f"{value:,.0f}"


@register.filter
def dollars(value: Number) -> str:
    """4.2 -> "$4.20"."""
    return ABSENT if value is None or isinstance(value, str) else f"${value:,.2f}"


@register.filter
def percent(value: Number) -> str:
    """5.23 -> "5.2%"."""
    return ABSENT if value is None or isinstance(value, str) else f"{value:.1f}%"


@register.filter
def measure(value: Number) -> str:
    """A loss or another plain measure: 2.3104 -> "2.3104", 0 -> "0", 0.000012 -> "1.2e-5"."""
    if value is None or isinstance(value, str):
        return ABSENT
    size = abs(float(value))
    if size == 0:
        return "0"
    if size < 0.001 or size >= 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent):+d}"
    return f"{value:,.0f}" if size >= 100 else f"{value:.4f}"


@register.filter
def duration(seconds: Number) -> str:
    """3725 -> "1 h 2 min"; 65 -> "1 min 5 s"; 60 -> "1 min"."""
    if seconds is None or isinstance(seconds, str):
        return ABSENT
    whole = max(0, round(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes == 0:
        return f"{whole} s"
    if hours == 0:
        large, small = (minutes, "min"), (whole % 60, "s")
    elif days == 0:
        large, small = (hours, "h"), (minutes % 60, "min")
    else:
        large, small = (days, "d"), (hours % 24, "h")
    return " ".join(f"{amount} {unit}" for amount, unit in (large, small) if amount)


@register.filter
def words(value: str | None) -> str:
    """queued_on_gpu -> "Queued on GPU"."""
    text = re.sub(r"\bgpu\b", "GPU", (value or "").replace("_", " "))
    return text[:1].upper() + text[1:] if text else ABSENT


@register.filter
def bound(value: Number) -> str:
    """An end of a range: 131072.0 -> "131,072", 0.5 -> "0.5", 1e-6 -> "1e-6"."""
    if value is None or isinstance(value, str):
        return ABSENT
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}".replace("e-0", "e-")


@register.filter
def weights(value: Number) -> str:
    """A number of parameters: 7615616512 -> "7.6 billion", 135000000 -> "135 million"."""
    if value is None or isinstance(value, str):
        return ABSENT
    size, unit = (value / 10**9, "billion") if value >= 10**9 else (value / 10**6, "million")
    return f"{size:.1f}".removesuffix(".0") + f" {unit}"


@register.filter
def elapsed(start: datetime | None, end: datetime | None = None) -> str:
    """From `start` to `end`, or to now."""
    return duration(((end or timezone.now()) - start).total_seconds()) if start else ABSENT


@register.filter
def entry(mapping: dict[str, Any], key: str) -> Any:
    """mapping[key], or None."""
    return mapping.get(key)
