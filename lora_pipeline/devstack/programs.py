"""A program of the stack, and how one of its processes is started and stopped.

Every process leads a session and process group of its own, so that stopping it also stops what it started and a
Ctrl-C in the terminal reaches the supervisor alone. On Linux the kernel kills it when its parent dies (`leash`).
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lora_pipeline.devstack import remains

LEASH = Path(__file__).with_name("leash.py")


class NotReady(Exception):
    """A program ended or stayed silent instead of getting ready; the message names it and ends with its log."""


@dataclass(frozen=True)
class Owner:
    """An unprivileged user of the system, for programs that refuse to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to run, how to see that it is ready, and when it is stopped.

    Of all programs those with the lowest `stop_rank` are stopped first, together; the next rank follows when they
    are gone. `stop_seconds` is how long one may take to end after `stop_signal`.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    is_ready: Callable[[], bool]
    ready_seconds: float = 120  # on a busy machine; who ends instead is noticed at once
    stop_rank: int = 0
    stop_seconds: float = 10
    stop_signal: signal.Signals = signal.SIGTERM
    owner: Owner | None = None
    # The folder in which it notes children that outlive it (see `remains`): they end when it is stopped for good.
    children: str = ""
    # What a killed process leaves lying about outside of its folder.
    clean_up: Callable[[], None] = lambda: None


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a process of `program`, whose output is appended to `log`.

    To be called from the main thread: the leash is tied to the thread that starts the process.
    """
    program.folder.mkdir(parents=True, exist_ok=True)
    owner = f"{program.owner.uid}:{program.owner.gid}" if program.owner else "-"
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), owner, *program.command],
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def await_ready(
    program: Program,
    process: subprocess.Popen[bytes],
    log: Path,
    *,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Return when `program` answers; raises NotReady when it ends or stays silent.

    Between two questions `pause` waits; what it raises passes through.
    """
    deadline = time.monotonic() + program.ready_seconds
    while not program.is_ready():
        if process.poll() is not None:
            raise NotReady(f"{program.name} ended with {ending(process)}.{last_lines(log)}")
        if time.monotonic() > deadline:
            raise NotReady(f"{program.name} was not ready after {program.ready_seconds:.0f} s.{last_lines(log)}")
        pause(0.05)


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, wait for it, and leave nothing of its group."""
    signal_group(process.pid, program.stop_signal, leader_only=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(program.stop_seconds)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    remains.stop_children(program.children)
    program.clean_up()


def signal_group(leader: int, number: signal.Signals, *, leader_only: bool = False) -> None:
    """Send a signal to a process and all it has started; fine when they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if leader_only:
            os.kill(leader, number)
        else:
            os.killpg(leader, number)


def ending(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    code = process.returncode
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, introduced by its path; empty when there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(["", f"The end of {log}:", *(f"  {line}" for line in lines[-count:])]) if lines else ""


@contextmanager
def running(program: Program, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A ready process of `program`, stopped at the end of the block."""
    program.clean_up()
    process = spawn(program, log)
    try:
        await_ready(program, process, log)
        yield process
    finally:
        stop(program, process)
