"""What is known of a cluster before anybody submits to it."""

from collections.abc import Callable
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from jobs import selectors, tasks
from jobs.models import Cluster
from lora_pipeline.devstack import ports
from tests.servers import GpuNode

pytestmark = pytest.mark.django_db


def test_the_gpus_of_a_cluster_are_on_offer_before_the_first_job(use_node: Callable[..., GpuNode]) -> None:
    use_node(level=2)
    tasks.refresh_clusters()
    assert Cluster.objects.get().level == 2
    assert {gpu.type for gpu in selectors.gpu_types()} == {gpu["type"] for gpu in Cluster.objects.get().gpu_types}


def test_a_cluster_that_does_not_answer_is_no_error(settings: Any) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": f"http://127.0.0.1:{ports.free()}", "KEY": "key"}}
    tasks.refresh_clusters()
    assert Cluster.objects.get().last_error


def test_beat_looks_at_clusters() -> None:
    assert PeriodicTask.objects.filter(task=tasks.refresh_clusters.name, enabled=True).exists()
