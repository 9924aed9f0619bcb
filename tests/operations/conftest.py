"""A whole installation of real servers, and one where nothing answers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import CycleRun
from lora_pipeline.devstack import control_plane, ports, programs
from lora_pipeline.devstack.places import ROOT
from tests.servers import GpuNode, TestBuckets

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def cycled(db: None) -> None:
    """The processing cycle has just run."""
    CycleRun.objects.create(started_at=timezone.now())


@pytest.fixture
def nothing_answers(settings: Any) -> None:
    """Settings that point to a port where nobody listens."""
    address = f"127.0.0.1:{ports.free()}"
    settings.CELERY_BROKER_URL = f"redis://:broker-password@{address}/0"
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = f"http://{address}"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "storage-secret"
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": f"http://{address}", "KEY": "cluster-secret"}}
    settings.PUBLIC_BASE_URL = f"http://{address}"


@pytest.fixture
def everything_answers(
    settings: Any,
    broker_url: str,
    s3_server: TestBuckets,
    gpu_node: Callable[..., GpuNode],
    live_server: Any,
    tmp_path: Path,
) -> Iterator[None]:
    """Broker, storage, cluster, web server and a worker of all queues, all real."""
    node = gpu_node()
    settings.CELERY_BROKER_URL = broker_url
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = s3_server.server.endpoint_url
    settings.S3_ACCESS_KEY_ID = s3_server.server.access_key_id
    settings.S3_SECRET_ACCESS_KEY = s3_server.server.secret_access_key
    settings.S3_REGION = s3_server.server.region
    settings.S3_BUCKETS = s3_server.buckets
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": node.url, "KEY": node.api_key}}
    settings.PUBLIC_BASE_URL = live_server.url
    environment = {"SECRET_KEY": settings.SECRET_KEY, "REDIS_URL": broker_url, "PYTHONPATH": str(ROOT)}
    queues = "control,poll,data,deliver"
    worker = control_plane.worker(environment, tmp_path / "worker", name="all", queues=queues, threads=1)
    with programs.running(worker, tmp_path / "worker.log"):
        yield
