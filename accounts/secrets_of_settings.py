"""The secrets that the settings hold, blotted out of texts besides what looks like one."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from django.conf import settings

from accounts import redaction

SHORTEST = 8  # what is shorter is no secret, but a word that a text may hold


def redact(text: str) -> str:
    """`text` without what looks like a secret, and without the ones that the settings hold."""
    for secret in _configured():
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "[redacted]")
    return redaction.redact(text)


def _configured() -> Iterator[str]:
    if not settings.configured:  # the settings themselves are being read
        return
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS
    yield settings.S3_SECRET_ACCESS_KEY or ""
    yield from (str(cluster.get("KEY", "")) for cluster in settings.GPU_CLUSTERS.values())
    yield from (str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    written = urlsplit(settings.CELERY_BROKER_URL).password or ""
    yield from (written, unquote(written))
