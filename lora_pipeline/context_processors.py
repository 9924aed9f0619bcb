"""What every page may have to say about the installation as a whole."""

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest

from datasets.storage.diagnose import Finding
from lora_pipeline import cycle


def processing(request: HttpRequest) -> dict[str, Callable[[], Finding]]:
    """`processing` in templates: whether jobs are being processed. Asked only by a page that shows it."""
    if not hasattr(request, "user") or request.user.is_anonymous:
        return {}
    return {"processing": cache(lambda: cycle.finding(starting=cycle.is_starting()))}
