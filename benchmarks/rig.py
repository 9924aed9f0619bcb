"""The real stack in a temporary folder, with Django set up in this process on the same database and broker."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import django
import psutil

from lora_pipeline.devstack import addresses, control_plane, node, places, ports, programs, storage
from lora_pipeline.devstack.stack import Options, Stack, compose

# More than any benchmark uses: nothing may wait for a GPU.
GPUS = ("H100-80GB:1000000",)
POLL_SECONDS = 30


@dataclass(frozen=True)
class Rig:
    """The running stack: its parts' processes by name, and how its API is reached."""

    stack: Stack
    processes: Mapping[str, Popen[bytes]]
    folder: Path
    node_store: Path
    without: Callable[[str], AbstractContextManager[None]]
    """Stops the part of this name for a block, and starts it again."""

    def cpu_seconds(self, *names: str) -> float:
        """CPU time that these processes and their children have used so far."""
        total = 0.0
        for name in names:
            process = psutil.Process(self.processes[name].pid)
            for one in (process, *process.children(recursive=True)):
                times = one.cpu_times()
                total += times.user + times.system
        return total


@contextmanager
def running(*, speed: float, with_beat: bool = False) -> Iterator[Rig]:
    """Start everything, simulated training at `speed` times the usual pace; stop it at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="lora-pipeline-benchmark-") as name, ExitStack() as started:
        where = places.Places(Path(name))
        where.prepare()
        processes: dict[str, Popen[bytes]] = {}
        parts: dict[str, tuple[programs.Program, ExitStack]] = {}

        def start(program: programs.Program) -> None:
            _, own = parts.setdefault(program.name, (program, started.enter_context(ExitStack())))
            processes[program.name] = own.enter_context(programs.running(program, where.logs / f"{program.name}.log"))

        @contextmanager
        def without(name: str) -> Iterator[None]:
            program, own = parts[name]
            own.close()
            yield
            start(program)

        node_port, key = ports.free(), "benchmark-" + os.urandom(8).hex()
        start(
            node.program(
                port=node_port, folder=where.data / "node", api_key=key, gpus=GPUS, level=2, speed=speed, faults=False
            )
        )
        chosen = addresses.choose(where.data / "ports.json", web=None)
        outside = {
            **os.environ,
            "GPU_CLUSTER_API_URL": node.url(node_port),
            "GPU_CLUSTER_API_KEY": key,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{chosen.web}",
            **dict.fromkeys(("API_RATE_USER", "API_RATE_CREATE"), "1000000/min"),
        }
        stack = compose(where, Options(level=2, speed=speed, poll_seconds=POLL_SECONDS), chosen, outside)
        for program in stack.servers:
            start(program)
        storage.ensure_buckets(stack.s3, stack.buckets.values())
        prepare = programs.spawn(stack.preparation, where.logs / "prepare.log")
        if prepare.wait():
            raise programs.NotReady(f"prepare failed.{programs.last_lines(where.logs / 'prepare.log')}")
        environment = stack.control_plane[0].environment
        web, *_ = stack.control_plane
        start(web)
        for number in (1, 2):
            start(
                control_plane.worker(
                    environment, places.ROOT, name=f"worker-{number}", queues="control,poll,deliver,data", threads=4
                )
            )
        if with_beat:
            start(stack.beat)
        os.environ.update(stack.settings, DJANGO_SETTINGS_MODULE="lora_pipeline.settings", LOG_LEVEL="ERROR")
        django.setup()
        yield Rig(stack, processes, where.local, where.data / "node" / "node.sqlite3", without)
