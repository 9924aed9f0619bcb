"""Composition root: settings, URLs, Celery app, API envelope. Imports every app; no app imports it."""

from lora_pipeline.celery import app as celery_app

__all__ = ["celery_app"]
