"""The Celery app. Its settings are the CELERY_ ones in lora_pipeline.settings; datasets.nudges publishes tasks."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

from lora_pipeline.checks import refuse_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "lora_pipeline.transport:Transport"))

app = Celery("lora_pipeline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def start_only_with_good_settings(**_: Any) -> None:
    """Workers and Beat end at once, and say why, when a system check finds an error."""
    try:
        refuse_errors()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error
