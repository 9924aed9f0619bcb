"""A trainer's process: started so that it outlives the node, recognised again, ended with all its group.

The child notes its own pid and start time before it becomes the trainer, so there is no moment in which a
killed node leaves a child that the next one does not know. A pid alone proves nothing: it is used again;
with the start time (field 22 of /proc/PID/stat) it names one process for as long as the machine is up.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NOTE_AND_BECOME = 'read -r stat </proc/$$/stat && printf "%s\\n" "$stat" >"$0" && exec "$@"'

# What a trainer may inherit of the node's environment; the node's key and other secrets are not in it.
INHERITED = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"}
INHERITED_PREFIXES = ("CUDA_", "NVIDIA_", "NCCL_", "OMP_", "MKL_", "TORCH_", "PYTORCH_")


@dataclass(frozen=True)
class Identity:
    """One process for ever: its pid and when it started, in clock ticks since the machine came up."""

    pid: int
    started: int


def environment(node: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: what it needs of the node's, and `more`."""
    kept = {
        name: value
        for name, value in node.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIXES)
    }
    return kept | dict(more)


def start(
    command: Sequence[str], *, note: Path, folder: Path, environ: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Starts the command in a session of its own; it writes `note`. Raises OSError."""
    note.unlink(missing_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 the trainer of this machine, no shell parses its arguments
            ["/bin/sh", "-c", NOTE_AND_BECOME, str(note), *command],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def noted(note: Path) -> Identity | None:
    """The process that wrote the note; None where none did."""
    try:
        return _identity(note.read_text())
    except (FileNotFoundError, ValueError, IndexError):
        return None


def identify(pid: int) -> Identity | None:
    """The process that has this pid now."""
    return noted(PROC / str(pid) / "stat")


def lives(identity: Identity) -> bool:
    """Whether that very process still runs; one that only waits to be buried does not."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        stat = (PROC / str(identity.pid) / "stat").read_text()
        return _identity(stat) == identity and _fields(stat)[0] not in {"Z", "X"}
    return False


async def wait_for_end(identity: Identity, within_s: float) -> None:
    """Returns as soon as the process has ended, after `within_s` at the latest (also where it is gone)."""
    if not lives(identity):
        await asyncio.sleep(within_s)
        return
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    loop.add_reader(descriptor, ended.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), within_s)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def ask_to_end(identity: Identity) -> None:
    """SIGTERM to the child, which passes it on to its own; nothing where it is gone."""
    if lives(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGTERM)


def kill(identity: Identity) -> None:
    """SIGKILL to every process of the child's session."""
    for pid in _session(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def any_lives(identity: Identity) -> bool:
    """Whether anything of the child's session still runs."""
    return next(_session(identity), None) is not None


def memory_kills() -> int:
    """How many processes this machine killed for want of memory since it came up."""
    with contextlib.suppress(OSError, ValueError):
        for line in (PROC / "vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _session(identity: Identity) -> Iterator[int]:
    """Pids of the session that the child leads; none once another process leads a session of that number."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        if _identity((PROC / str(identity.pid) / "stat").read_text()) != identity:
            return
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                fields = _fields((entry / "stat").read_text())
                if int(fields[3]) == identity.pid and fields[0] not in {"Z", "X"}:
                    yield int(entry.name)


def _identity(stat: str) -> Identity:
    return Identity(int(stat.split(" ", 1)[0]), int(_fields(stat)[19]))


def _fields(stat: str) -> list[str]:
    """The fields of a stat line from the third on; the second, the name, may hold anything."""
    return stat.rpartition(")")[2].split()
