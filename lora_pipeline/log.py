"""Logging: one line per step on stderr, and no secret on any of them."""

import logging
from typing import Any

from accounts.secrets_of_settings import redact


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
