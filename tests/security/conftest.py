"""The control plane as an attacker meets it: with a broker, storage and rows of every kind."""

from collections.abc import Iterator
from typing import Any

import pytest

from lora_pipeline.celery import app
from tests.datasets.conftest import imported, put_object, store, validated

__all__ = ["imported", "put_object", "store", "validated"]


@pytest.fixture
def broker(broker_url: str) -> Iterator[str]:
    """URL of the empty broker that the web process publishes to."""
    former = app.conf.broker_url
    _speak_to(app, broker_url)
    yield broker_url
    _speak_to(app, former)


def _speak_to(celery: Any, url: str) -> None:
    celery.conf.broker_url = url
    celery._pool = celery.amqp._producer_pool = None  # connections are pooled by address
