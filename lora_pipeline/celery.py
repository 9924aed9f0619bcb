"""The Celery app. Its settings are the CELERY_ ones in lora_pipeline.settings; tasks are published by datasets.nudges."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

app = Celery("lora_pipeline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
