"""What a killed supervisor leaves running, and how it ends: by the guardian at once, or by the next start.

Each process is noted in `.local/run/NAME.pid` with its start time, because a number alone may by now belong to
someone else. A process may itself note children that outlive it on purpose, so that its next start finds them
again: they end with the stack, too. The guardian is this file, run by itself: it reads from a pipe that only the
supervisor holds open, and when that ends, however the supervisor died, it stops whatever is still noted.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

_GRACE_SECONDS = 3


def record(run: Path, name: str, pid: int, children: str = "") -> None:
    """Note that `pid`, a process group's leader, is the process called `name`.

    `children` is a folder of folders: the file `process` in each is the /proc/PID/stat of a group's leader that
    outlives the process.
    """
    note = run / f"{name}.pid"
    unfinished = note.with_suffix(".new")
    unfinished.write_text(json.dumps({"pid": pid, "boot": _boot(), "started": started_at(pid), "children": children}))
    unfinished.replace(note)


def forget(run: Path, name: str) -> None:
    """The process called `name` has ended."""
    (run / f"{name}.pid").unlink(missing_ok=True)


def stop(run: Path) -> list[str]:
    """Stop every noted process group that still exists, and return their names."""
    left = list(_still_running(run))
    _end([leader for _, leader in left])
    for note in run.glob("*.pid"):
        note.unlink(missing_ok=True)
    return [name for name, _ in left]


def stop_children(folder: str) -> None:
    """Stop what is noted in `folder` (nothing, where that is empty) and still runs."""
    _end(list(_children(folder)))


def started_at(pid: int) -> str | None:
    """When a process started, as text that only its likes compare to; None when there is no such process."""
    with contextlib.suppress(OSError):
        return _started(Path(f"/proc/{pid}/stat").read_text())
    if Path("/proc/self/stat").exists():
        return None
    listed = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() or None


def _end(leaders: Collection[int]) -> None:
    for leader in leaders:
        _signal(leader, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(map(_group_exists, leaders)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for leader in leaders:
        _signal(leader, signal.SIGKILL)


def _still_running(run: Path) -> Iterator[tuple[str, int]]:
    """(name, leader) of the groups that exist and are ours."""
    for note in sorted(run.glob("*.pid")):
        try:
            noted = json.loads(note.read_text())
            leader = int(noted["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if noted.get("boot") != _boot():
            continue
        yield from ((f"a child of {note.stem}", child) for child in _children(noted.get("children") or ""))
        if not _group_exists(leader):
            continue
        # Without its leader a group lives on under a number that no one else can get.
        if started_at(leader) in {None, noted.get("started")}:
            yield note.stem, leader


def _children(folder: str) -> Iterator[int]:
    """Leaders noted below `folder`, as long as they are the very processes of these notes."""
    for note in sorted(Path(folder).glob("*/process")) if folder else ():
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = note.read_text()
            leader = int(stat.split(" ", 1)[0])
            if started_at(leader) == _started(stat):
                yield leader


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


def _started(stat: str) -> str:
    """From a /proc/PID/stat: the name in parentheses may hold blanks; the 20th field after it is the start."""
    return stat.rpartition(")")[2].split()[19]


def _boot() -> str:
    """This boot's identity where the system has one: after a restart all numbers mean other processes."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


if __name__ == "__main__":
    sys.stdin.buffer.read()  # ends with the supervisor
    stop(Path(sys.argv[1]))
