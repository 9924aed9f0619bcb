"""What a killed supervisor leaves running, and how it ends: by the guardian at once, or by the next start.

Each process is noted in `.local/run/NAME.pid` with its start time, because a number alone may by now belong to
someone else. The guardian is this file, run by itself: it reads from a pipe that only the supervisor holds open,
and when that ends, however the supervisor died, it stops every process group that is still noted.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_GRACE_SECONDS = 3


def record(run: Path, name: str, pid: int) -> None:
    """Note that `pid`, a process group's leader, is the process called `name`."""
    note = run / f"{name}.pid"
    unfinished = note.with_suffix(".new")
    unfinished.write_text(json.dumps({"pid": pid, "boot": _boot(), "started": started_at(pid)}))
    unfinished.replace(note)


def forget(run: Path, name: str) -> None:
    """The process called `name` has ended."""
    (run / f"{name}.pid").unlink(missing_ok=True)


def stop(run: Path) -> list[str]:
    """Stop every noted process group that still exists, and return their names."""
    left = list(_still_running(run))
    for _, leader in left:
        _signal(leader, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(_group_exists(leader) for _, leader in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for _, leader in left:
        _signal(leader, signal.SIGKILL)
    for note in run.glob("*.pid"):
        note.unlink(missing_ok=True)
    return [name for name, _ in left]


def started_at(pid: int) -> str | None:
    """When a process started, as text that only its likes compare to; None when there is no such process."""
    with contextlib.suppress(OSError):
        # /proc/PID/stat: the name in parentheses may hold blanks; the 20th field after it is the start.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    if Path("/proc/self/stat").exists():
        return None
    listed = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() or None


def _still_running(run: Path) -> Iterator[tuple[str, int]]:
    """(name, leader) of the groups that exist and are ours."""
    for note in sorted(run.glob("*.pid")):
        try:
            noted = json.loads(note.read_text())
            leader = int(noted["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if noted.get("boot") != _boot() or not _group_exists(leader):
            continue
        # Without its leader a group lives on under a number that no one else can get.
        if started_at(leader) in {None, noted.get("started")}:
            yield note.stem, leader


def _group_exists(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # someone else's by now; on macOS also a group of zombies
        return False
    return True


def _signal(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _boot() -> str:
    """This boot's identity where the system has one: after a restart all numbers mean other processes."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


if __name__ == "__main__":
    sys.stdin.buffer.read()  # ends with the supervisor
    stop(Path(sys.argv[1]))
