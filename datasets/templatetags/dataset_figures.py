"""Datasets as people read them, in templates. static/format.js writes the same texts in the browser."""

from django import template

from datasets.models import DatasetStatus

register = template.Library()

ABSENT = "—"

# status -> (word, icon of static/icons.svg, meaning of components.css)
BADGES: dict[str, tuple[str, str, str]] = {
    DatasetStatus.UPLOADING: ("Waiting for its file", "upload", "warn"),
    DatasetStatus.VALIDATING: ("Validating", "loader", "accent"),
    DatasetStatus.READY: ("Ready", "check", "good"),
    DatasetStatus.ERROR: ("Has errors", "x-circle", "bad"),
}


@register.inclusion_tag("datasets/badge.html")
def dataset_badge(status: str) -> dict[str, str]:
    """A dataset's status as icon, word and colour."""
    word, icon, meaning = BADGES[status]
    return {"status": status, "word": word, "icon": icon, "meaning": meaning}


@register.filter
def size(value: int | None) -> str:
    """Bytes: 1536 -> "1.5 kB"."""
    if value is None:
        return ABSENT
    amount, units = float(value), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


@register.filter
def figure(value: float | None) -> str:
    """12345 -> "12,345"; 2.0 -> "2"; 2.25 -> "2.2"."""
    if value is None:
        return ABSENT
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"
