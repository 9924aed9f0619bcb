"""One environment below `.local/`, made from hashed locks.

It is either complete or made again: while packages are on their way a mark lies in the folder, and a start that
finds the mark (power cut, Ctrl-C, full disk) begins from nothing. A stamp remembers the locks that went in, so
that the next start takes no time.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootstrap import installer

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
UV_LOCK = ROOT / "requirements" / "uv.txt"


def ready(name: str, locks: Sequence[Path]) -> Path:
    """The Python of `.local/<name>` with every package of `locks`, set up now if need be.

    Raises `installer.SetupFailed` with advice when it cannot be made.
    """
    folder = LOCAL / name
    python = folder / "bin" / "python"
    if not _missing(folder, locks):
        return python
    LOCAL.mkdir(exist_ok=True)
    with _alone(LOCAL / "setup.lock"):
        missing = _missing(folder, locks)  # someone else may have set it up while we waited
        if missing:
            _say(f"Setting up {folder.relative_to(ROOT)} …")
            _fill(folder, python, missing)
    return python


def _fill(folder: Path, python: Path, locks: Sequence[Path]) -> None:
    chosen = installer.find(LOCAL / "tools", UV_LOCK)
    unfinished = folder / "unfinished"
    if unfinished.exists() or not _is_usable(folder):
        shutil.rmtree(folder, ignore_errors=True)
        chosen.create(folder)
    stamp = _read_stamp(folder)
    unfinished.touch()
    chosen.install(python, locks)
    stamp.update({_name(lock): _digest(lock) for lock in locks})
    _write_stamp(folder, stamp)
    unfinished.unlink()


def _missing(folder: Path, locks: Sequence[Path]) -> list[Path]:
    """The locks whose packages are not (or not as now pinned) in the environment."""
    if (folder / "unfinished").exists() or not _is_usable(folder):
        return list(locks)
    stamp = _read_stamp(folder)
    return [lock for lock in locks if stamp.get(_name(lock)) != _digest(lock)]


def _is_usable(folder: Path) -> bool:
    """False where the Python underneath is gone or the checkout was moved: scripts hold absolute paths."""
    if not (folder / "bin" / "python").exists():
        return False
    return _read_stamp(folder).get("folder", str(folder)) == str(folder)


def _read_stamp(folder: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((folder / "stamp.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def _write_stamp(folder: Path, stamp: dict[str, str]) -> None:
    written = folder / "stamp.json.new"
    written.write_text(json.dumps({**stamp, "folder": str(folder)}, indent=1))
    written.replace(folder / "stamp.json")


def _name(lock: Path) -> str:
    return str(lock.relative_to(ROOT))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One set-up at a time in a checkout; the second waits."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another command is setting up this checkout: waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def hand_over(python: Path, *arguments: str) -> None:
    """Become `python arguments…`, run from the checkout's root. Does not return."""
    os.chdir(ROOT)
    os.execv(python, [str(python), *arguments])  # noqa: S606 - the very purpose
