"""Several devices: one child process each, joined by torch.distributed (which trl finds through accelerate).

The parent trains nothing. It passes a stop on, ends the others when one fails, and answers with the exit code of
the first process, which alone writes events.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lora_trainer.errors import Stopped
from lora_trainer.stopping import Stopper

_RESTART = "LORA_TRAINER_RESTART"
LEFT_ALONE_S = 20.0  # how long the others may take to end after one has


@dataclass(frozen=True)
class Place:
    """This process among those that train together. `restart` counts earlier starts of the run."""

    rank: int
    count: int
    restart: int

    @property
    def is_first(self) -> bool:
        return self.rank == 0


def own_place() -> Place | None:
    """The place that `launch` gave this process; None for a process started by somebody else."""
    restart = os.environ.get(_RESTART)
    if restart is None:
        return None
    return Place(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), int(restart))


def launch(run_dir: Path, count: int, device: str, restart: int, stopper: Stopper) -> int:
    """Runs `train run_dir` in `count` processes and waits for them; returns the exit code."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        port = _free_port()
        for rank in range(count):
            children.append(_start(run_dir, Place(rank, count, restart), device, port))
        return _wait(children)
    except Stopped:
        stopper.settle()  # asked again, they still finish what they save
        for child in children:
            child.send_signal(signal.SIGTERM)
        return _wait(children)
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()


def _start(run_dir: Path, place: Place, device: str, port: int) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH")))),
        _RESTART: str(place.restart),
        "RANK": str(place.rank),
        "LOCAL_RANK": str(place.rank),
        "WORLD_SIZE": str(place.count),
        "LOCAL_WORLD_SIZE": str(place.count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    if device == "cpu":
        environment |= {"ACCELERATE_USE_CPU": "1", "ACCELERATE_TORCH_BACKEND": "gloo"}
    return subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, "-m", "lora_trainer", "train", str(run_dir)], env=environment
    )


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> int:
    """The first process's exit code once all have ended, or the first failure's if that one was killed for it."""
    failed: int | None = None
    deadline: float | None = None
    while any(child.poll() is None for child in children):
        ended = [child.returncode for child in children if child.returncode is not None]
        if ended and deadline is None:
            failed = next((code for code in ended if code), None)
            deadline = time.monotonic() + LEFT_ALONE_S if failed is not None else None
        if deadline is not None and time.monotonic() > deadline:
            for child in children:
                if child.poll() is None:
                    child.kill()
        time.sleep(0.1)
    first = children[0].returncode
    return failed if failed is not None and first < 0 else first


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
