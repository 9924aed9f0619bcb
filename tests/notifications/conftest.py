"""Jobs and datasets with a history, made of rows alone."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from datasets.models import Dataset, DatasetEvent
from jobs.models import BaseModel, JobEvent, TrainingJob
from notifications.channels import signing
from notifications.kinds import JOBS_ENDED, KINDS
from notifications.models import Delivery, WebhookEndpoint
from tests.contracts.wire import Wire, reply
from tests.notifications.post_office import post_office

__all__ = ["post_office"]

Receive = Callable[..., Wire]
MakeEndpoint = Callable[..., WebhookEndpoint]
MakeJob = Callable[..., TrainingJob]
MakeDataset = Callable[..., Dataset]


@pytest.fixture
def dataset_of() -> MakeDataset:
    """`dataset_of(alice, "ready")` is a dataset with these events."""

    def make(owner: User, *kinds: str, name: str = "support chats") -> Dataset:
        dataset = Dataset.objects.create(
            owner=owner, name=name, storage_bucket="lora-datasets", storage_path="x", file_name="x.jsonl"
        )
        for kind in kinds:
            DatasetEvent.objects.create(
                dataset=dataset, owner=owner, kind=kind, message=f"It is {kind}.", actor="system"
            )
        return dataset

    return make


@pytest.fixture
def job_of(dataset_of: MakeDataset) -> MakeJob:
    """`job_of(alice, "queued", "running")` is a job that had these statuses."""

    def make(owner: User, *statuses: str, name: str = "support bot") -> TrainingJob:
        now = timezone.now()
        base_model, _ = BaseModel.objects.get_or_create(
            name="tiny", defaults={"location": "tiny", "parameters": 1, "context_length": 2048}
        )
        job = TrainingJob.objects.create(
            owner=owner,
            name=name,
            dataset=dataset_of(owner),
            base_model=base_model,
            preset="fast",
            hyperparameters={},
            gpu_config={"type": "H100-80GB", "count": 1},
            queued_at=now,
            next_attempt_at=now,
            next_poll_at=now,
        )
        for status in statuses:
            add_event(job, "status", to_status=status, message=f"Now {status}.")
        return job

    return make


def add_event(job: TrainingJob, kind: str, *, to_status: str = "", message: str = "…", **detail: object) -> JobEvent:
    return JobEvent.objects.create(
        job=job, owner=job.owner, kind=kind, to_status=to_status, actor="system", message=message, detail=detail
    )


@pytest.fixture
def run_at_once() -> Callable[[Callable[[], object], int], None]:
    """`run_at_once(action, 4)` runs it in four threads, each with a database connection of its own."""

    def run(action: Callable[[], object], threads: int) -> None:
        start = threading.Barrier(threads)

        def one() -> None:
            start.wait()
            try:
                action()
            finally:
                connection.close()

        with ThreadPoolExecutor(threads) as pool:
            for result in [pool.submit(one) for _ in range(threads)]:
                result.result()

    return run


@pytest.fixture
def receive(settings: Any) -> Iterator[Receive]:
    """`receive(reply(200))` is a server that webhooks may go to; without a script it says 200 to all."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with ExitStack() as open_:
        yield lambda script=None: open_.enter_context(closing(Wire(script or reply(200, {}))))


@pytest.fixture
def endpoint_of() -> MakeEndpoint:
    """`endpoint_of(alice, server.url)` wants every type by itself, or those that are named."""

    each = [name for name in KINDS if name != JOBS_ENDED]

    def make(owner: User, url: str, *types: str) -> WebhookEndpoint:
        return WebhookEndpoint.objects.create(
            owner=owner, url=url, event_types=list(types or each), secret_salt=signing.new_salt()
        )

    return make


def webhook_of(job: TrainingJob) -> Delivery:
    """The one delivery of a job's one event to a webhook."""
    return Delivery.objects.get(job_event__job=job, channel="webhook")
