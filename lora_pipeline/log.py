"""Logging: one line per step on stderr, and no secret on any of them."""

import logging
from collections.abc import Iterator
from typing import Any
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


class RedactingFormatter(logging.Formatter):
    """Formats a record, then redacts the whole of it: message, arguments and traceback alike."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def config(level: str) -> dict[str, Any]:
    """The LOGGING setting for a root level such as "INFO"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "lora_pipeline.log.RedactingFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            # Its warnings carry whole URLs, which may be signed.
            "urllib3": {"level": "ERROR"},
            "matplotlib": {"level": "WARNING"},
        },
    }
