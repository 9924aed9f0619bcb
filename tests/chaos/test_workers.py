"""A worker outlives whatever happens between it and its broker: it goes on working when that is over."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
import redis
from celery import Celery

from lora_pipeline.devstack import broker, ports, programs
from lora_pipeline.devstack.places import ROOT
from lora_pipeline.devstack.programs import Program
from tests.chaos.proxy import FAIR, Network, Proxy
from tests.chaos.troubles import WEATHERS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

PATIENCE_SECONDS = 90
HANDS_FULL = 8  # two threads, four messages each
ROUNDS = 2  # whether it would end depends on who notices first


class Workshop:
    """A worker whose way to the broker is a proxy."""

    def __init__(self, folder: Path, proxy: Proxy, direct_url: str, worker: Popen[bytes]) -> None:
        self.proxy = proxy
        self.worker = worker
        self._folder = folder
        self._url = direct_url
        self._naps = 0

    def ask(self, seconds: float = 0) -> Path:
        """Send a message by a safe way; the file is there once it was worked off."""
        self._naps += 1
        note = self._folder / f"nap-{self._naps}"
        with Celery(broker=self._url, set_as_current=False) as app:
            app.send_task("tests.nap", args=(seconds, str(note)), queue="control")
        return note

    def is_working(self) -> bool:
        """Whether a new message is worked off by the same process."""
        return awaited(self.ask().exists) and self.worker.poll() is None

    def flush(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            client.flushall()


def awaited(happens: Callable[[], bool], within: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if happens():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    port = ports.free()
    server = broker.program(port=port, folder=tmp_path / "broker")
    with Network() as network, programs.running(server, tmp_path / "broker.log"):
        proxy = network.between("broker", port)
        with programs.running(_worker(broker.url(proxy.port), tmp_path), tmp_path / "worker.log") as worker:
            workshop = Workshop(tmp_path, proxy, broker.url(port), worker)
            assert workshop.is_working()
            yield workshop


def _worker(broker_url: str, folder: Path) -> Program:
    environment = {
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": f"sqlite:///{folder}/none.sqlite3",
        "REDIS_URL": broker_url,
        "GPU_CLUSTER_API_URL": "http://127.0.0.1:9",
        "GPU_CLUSTER_API_KEY": "none",
        "S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "S3_ACCESS_KEY_ID": "none",
        "S3_SECRET_ACCESS_KEY": "none",
        "PUBLIC_BASE_URL": "http://127.0.0.1:9",
        "SECURE_SSL_REDIRECT": "false",
    }
    return Program(
        name="worker",
        command=(
            *(sys.executable, "-m", "celery", "-A", "tests.chaos.sleepy", "worker", "-Q", "control"),
            *("--pool", "threads", "--concurrency", "2", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        environment=environment,
        folder=ROOT,
        is_ready=lambda: b"ready." in (folder / "worker.log").read_bytes(),
        stop_seconds=2,
    )


@pytest.mark.parametrize("weather", ["drop", "reset", "hole"])
def test_a_worker_with_its_hands_full_comes_back_when_the_network_does(workshop: Workshop, weather: str) -> None:
    for _ in range(ROUNDS):
        naps = [workshop.ask(0.3) for _ in range(HANDS_FULL)]
        assert awaited(naps[0].exists)
        workshop.proxy.spoil(WEATHERS[weather])
        awaited(naps[-1].exists, within=2)  # what is in hand is done, and cannot be acknowledged
        workshop.proxy.spoil(FAIR)
        assert workshop.is_working()


def test_a_worker_comes_back_to_a_broker_that_forgot_everything(workshop: Workshop) -> None:
    workshop.flush()
    assert workshop.is_working()
