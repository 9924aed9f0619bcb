"""Real servers for tests: the broker, the S3 server and GPU nodes that the stack itself runs.

Each starts once per session, when a test first asks for it. Tests keep apart by fresh buckets, a flushed broker
and nodes of their own.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen

import pytest
import redis

from lora_pipeline.devstack import broker, node, ports, programs, storage


@dataclass(frozen=True)
class TestBuckets:
    """A running S3 server and this test's own buckets, by logical name."""

    __test__ = False

    server: storage.S3Server
    buckets: dict[str, str]


@dataclass(frozen=True)
class GpuNode:
    """A running GPU node."""

    url: str
    api_key: str
    process: Popen[bytes]


@pytest.fixture(scope="session")
def broker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Valkey that runs for the whole session."""
    folder = tmp_path_factory.mktemp("broker")
    port = ports.free()
    with programs.running(broker.program(port=port, folder=folder), folder / "log"):
        yield broker.url(port)


@pytest.fixture
def broker_url(broker_server: str) -> str:
    """URL of an empty broker."""
    with redis.Redis.from_url(broker_server) as client:
        client.flushall()
    return broker_server


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[storage.S3Server]:
    """An S3 server that runs for the whole session, without buckets."""
    folder = tmp_path_factory.mktemp("s3")
    chosen = storage.free_ports()
    reached_as = storage.server(port=chosen["s3"], access_key_id="test", secret_access_key=secrets.token_hex(20))
    program = storage.program(chosen=chosen, folder=folder, reached_as=reached_as, buckets=())
    with programs.running(program, folder / "log"):
        yield reached_as


@pytest.fixture
def s3_server(s3_endpoint: storage.S3Server) -> Iterator[TestBuckets]:
    """The S3 server with fresh, empty buckets behind the product's three names."""
    suffix = secrets.token_hex(6)
    buckets = {name: f"{name}-{suffix}" for name in ("lora-datasets", "training-files", "lora-models")}
    client = s3_endpoint.client()
    for bucket in buckets.values():
        client.create_bucket(Bucket=bucket)
    yield TestBuckets(server=s3_endpoint, buckets=buckets)
    for bucket in buckets.values():  # with all that is in it
        client.delete_bucket(Bucket=bucket)


@pytest.fixture
def gpu_node(tmp_path: Path) -> Iterator[Callable[..., GpuNode]]:
    """Starts GPU nodes for this test: `gpu_node(level=2, speed=1000, faults=True, gpus=["H100-80GB:8"])`."""
    with ExitStack() as started:

        def start(
            *, level: int = 2, speed: float = 1000, faults: bool = False, gpus: tuple[str, ...] = ("H100-80GB:8",)
        ) -> GpuNode:
            port = ports.free()
            folder = tmp_path / f"gpu-node-{port}"
            folder.mkdir()
            api_key = secrets.token_hex(16)
            program = node.program(
                port=port, folder=folder, api_key=api_key, gpus=gpus, level=level, speed=speed, faults=faults
            )
            process = started.enter_context(programs.running(replace(program, stop_seconds=2), folder / "log"))
            return GpuNode(url=node.url(port), api_key=api_key, process=process)

        yield start
