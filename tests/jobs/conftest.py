"""A control plane with its cluster: real node, real storage, real rows. Workers are the calls the tests make."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import reconcile, services
from jobs.models import TrainingJob
from tests.datasets.conftest import MakeDataset, imported, put_object, store, validated
from tests.servers import GpuNode

__all__ = ["imported", "put_object", "store", "validated"]

MakeJob = Callable[..., TrainingJob]


@pytest.fixture
def use_node(settings: Any, gpu_node: Callable[..., GpuNode]) -> Callable[..., GpuNode]:
    """`use_node(level=1)` starts a GPU node and makes it the cluster of the control plane."""

    def use(**options: Any) -> GpuNode:
        node = gpu_node(**options)
        settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": node.url, "KEY": node.api_key}}
        settings.PUBLIC_BASE_URL = None
        return node

    return use


@pytest.fixture
def queued(validated: MakeDataset) -> MakeJob:
    """`queued(alice)` is a job of alice's, freshly created, that nobody has submitted yet."""

    def make(owner: User, **changes: Any) -> TrainingJob:
        asked: dict[str, Any] = {
            "preset_id": "recommended",
            "gpu_config": {"type": "H100-80GB", "count": 2},
            "hyperparameters": {},
            **changes,
        }
        if "dataset_id" not in asked:
            asked["dataset_id"] = validated(owner).pk
        job, _ = services.job_create(owner=owner, **asked)
        return job

    return make


def due_now(job: TrainingJob) -> None:
    """Make a job due, as time would."""
    TrainingJob.objects.filter(pk=job.pk).update(next_poll_at=timezone.now(), next_attempt_at=timezone.now())


def work_until(job: TrainingJob, *statuses: str, seconds: float = 30) -> TrainingJob:
    """Do what workers do with a job, over and over, until it is in one of `statuses`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.status in statuses:
            return job
        due_now(job)
        reconcile.submit(job.pk)
        reconcile.poll([job.pk])
        reconcile.release(job.pk)
        reconcile.collect(job.pk)
    raise AssertionError(f"still {job.status} ({job.current_stage}): {job.waiting_for} {job.error_message}")
