"""Messages are hints: who sends them, and that a dead broker stops nobody."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django_celery_beat.models import PeriodicTask
from rest_framework.test import APIClient

from datasets import tasks
from datasets.models import Dataset
from tests.datasets.files import chat_file

MakeDataset = Callable[..., Dataset]


@pytest.fixture
def dead_broker() -> Iterator[None]:
    """Nobody listens at the broker's address."""
    app: Any = current_app
    address = app.conf.broker_url

    def use(url: str) -> None:
        app.conf.broker_url = url
        app._pool = app.amqp._producer_pool = None  # connections are pooled by address

    use("redis://127.0.0.1:1/0")
    yield
    use(address)


def test_an_import_with_a_dead_broker_succeeds_and_the_sweep_finds_it(
    put_object: Callable[..., Any],
    dead_broker: None,
    alice: User,
    api: Callable[[User], APIClient],
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put_object("alice/chat.jsonl", chat_file())
    with django_capture_on_commit_callbacks(execute=True) as published:
        answer = api(alice).post("/api/datasets/import", {"path": "alice/chat.jsonl"})
    assert answer.status_code == 201
    assert len(published) == 1
    assert "Could not reach the broker to start datasets.validate_dataset" in caplog.text
    with django_capture_on_commit_callbacks() as found:
        tasks.sweep()
    assert len(found) == 1


def test_a_finished_validation_tells_those_who_deliver(
    imported: MakeDataset, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    dataset = imported(alice)
    with django_capture_on_commit_callbacks() as told:
        tasks.validate_dataset(str(dataset.pk))
        tasks.validate_dataset(str(dataset.pk))
    assert len(told) == 1


def test_the_sweep_is_on_the_schedule(db: None) -> None:
    row = PeriodicTask.objects.get(task="datasets.sweep")
    assert row.enabled
    assert row.interval.every == 60
    assert row.task in current_app.tasks
