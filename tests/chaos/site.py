"""An installation whose every wire goes through a proxy, with two Beats, and a node whose fault door is open."""

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import requests

from lora_pipeline.devstack import addresses, broker, node, ports, postgres, stack, storage
from lora_pipeline.devstack.places import Places
from lora_pipeline.devstack.programs import Program
from tests.chaos.proxy import Network, Proxy
from tests.chaos.rows import Database
from tests.e2e.installation import Installation, prepare

SPEED = 20
POLL_SECONDS = 2
# Nothing waits for a GPU, so that every job has its share of the trouble.
GPUS = ("H100-80GB:4000",)
# The programs that are ours, by the names of their processes.
OWN = ("web", "worker", "worker-data", "beat", "beat-2")
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Node:
    """The GPU node, reached without a proxy: by whoever commands its faults and counts."""

    url: str
    key: str
    state: Path
    level: int

    def call(self, method: str, path: str, *, patience_s: float = 5, **arguments: Any) -> Any:
        """The JSON that it answers; raises requests.RequestException."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, f"{self.url}{path}", headers=headers, timeout=patience_s, **arguments)
        answer.raise_for_status()
        return answer.json()


class Site:
    """What runs, and how it is hurt. From the main thread alone: processes are leashed to the thread that starts them.

    A process that ends by itself is started again, after a pause that grows, as any supervisor would; `deaths`
    counts these.
    """

    def __init__(
        self,
        installation: Installation,
        wires: Mapping[str, Proxy],
        cluster: Node,
        database: Database,
        broker_url: str,
        say: Callable[[str], None],
    ) -> None:
        self.installation = installation
        self.wires = wires
        self.cluster = cluster
        self.database = database
        self.broker_url = broker_url
        self.deaths: dict[str, int] = {}
        self._say = say
        self._down: dict[str, Program] = {}
        self._due: dict[str, float] = {}
        self._stopped: dict[str, list[psutil.Process]] = {}

    def kill(self, name: str) -> None:
        """kill -9; it stays down until `revive`."""
        if name not in self._down:
            self._down[name] = self.installation.kill(name)
        self._due.pop(name, None)

    def revive(self, name: str) -> None:
        """Start what was killed."""
        self._due.pop(name, None)
        if program := self._down.pop(name, None):
            self.installation.launch(program)

    def freeze(self, name: str) -> None:
        """SIGSTOP a process and all it has started."""
        if name in self._down or name in self._stopped:
            return
        leader = psutil.Process(self.installation.process(name).pid)
        leader.suspend()  # first, so that it starts nothing more
        together = [leader, *leader.children(recursive=True)]
        for process in together[1:]:
            _signal(process, signal.SIGSTOP)
        self._stopped[name] = together

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        for process in self._stopped.pop(name, []):
            _signal(process, signal.SIGCONT)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Of our own programs: megabytes in memory and threads, of all their processes."""
        found: dict[str, tuple[int, int]] = {}
        for name in OWN:
            memory = threads = 0
            with suppress(psutil.NoSuchProcess, KeyError):  # it is down
                leader = psutil.Process(self.installation.process(name).pid)
                for process in (leader, *leader.children(recursive=True)):
                    memory += process.memory_info().rss
                    threads += process.num_threads()
            found[name] = (memory // 2**20, threads)
        return found

    def watch(self) -> None:
        """Start again what ended by itself."""
        now = time.monotonic()
        for name in self.installation.ended():
            self._down[name] = self.installation.kill(name)
            self.deaths[name] = self.deaths.get(name, 0) + 1
            pause = min(2.0 ** (self.deaths[name] - 1), _LONGEST_PAUSE_S)
            self._due[name] = now + pause
            self._say(f"{name} ended by itself; it is started again in {pause:.0f} s")
        for name, due in list(self._due.items()):
            if due <= now:
                self.revive(name)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


@contextmanager
def running(folder: Path, *, database: str, level: int, say: Callable[[str], None]) -> Iterator[Site]:
    """A ready site, stopped at the end of the block. `database` is sqlite or postgresql."""
    places = Places(folder)
    places.prepare()
    with ExitStack() as open_:
        network = open_.enter_context(Network())
        servers: list[Program] = []
        wires: dict[str, Proxy] = {}
        key = secrets.token_hex(16)

        if database == "sqlite":
            direct_url = f"sqlite:///{quote(str(places.data / 'db.sqlite3'))}"
            database_url = direct_url
        else:
            program, direct_url = open_.enter_context(postgres.prepared(max_connections="200"))
            servers.append(replace(program, name="database"))
            parts = urlsplit(direct_url)
            wires["database"] = network.between("database", int(parts.port or 0))
            database_url = direct_url.replace(f":{parts.port}/", f":{wires['database'].port}/")

        broker_port = ports.free()
        servers.append(broker.program(port=broker_port, folder=places.data / "broker"))
        wires["broker"] = network.between("broker", broker_port)

        chosen = addresses.choose(folder / "ports.json", web=None)
        s3 = storage.server(port=chosen.storage["s3"], access_key_id="chaos", secret_access_key=secrets.token_hex(20))
        buckets = stack.BUCKETS.keys()
        program = storage.program(chosen=chosen.storage, folder=places.data / "storage", reached_as=s3, buckets=())
        servers.append(replace(program, name="storage"))
        wires["storage"] = network.between("storage", chosen.storage["s3"])

        node_port = chosen.nodes["gpu-node"]
        state = places.data / "gpu-node"
        servers.append(
            node.program(port=node_port, folder=state, api_key=key, gpus=GPUS, level=level, speed=SPEED, faults=True)
        )
        wires["cluster"] = network.between("cluster", node_port)

        outside = {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE_URL": database_url,
            "REDIS_URL": broker.url(wires["broker"].port),
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{wires['storage'].port}",
            "S3_ACCESS_KEY_ID": s3.access_key_id or "",
            "S3_SECRET_ACCESS_KEY": s3.secret_access_key or "",
            "GPU_CLUSTER_API_URL": node.url(wires["cluster"].port),
            "GPU_CLUSTER_API_KEY": key,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{chosen.web}",
            **dict.fromkeys(("API_RATE_USER", "API_RATE_CREATE", "API_RATE_CALLBACK"), "1000000/min"),
        }
        options = stack.Options(level=level, speed=SPEED, poll_seconds=POLL_SECONDS)
        composed = stack.compose(places, options, chosen, outside)
        installation = Installation(composed, places.logs)
        open_.callback(installation.stop_all)
        installation.start(*servers)
        storage.ensure_buckets(s3, buckets)
        prepare(composed.preparation, places.logs / "prepare.log")
        installation.read_users()
        installation.start(*composed.control_plane, composed.beat, replace(composed.beat, name="beat-2"))
        yield Site(
            installation,
            wires,
            Node(node.url(node_port), key, state, level),
            Database(direct_url),
            broker.url(broker_port),
            say,
        )
