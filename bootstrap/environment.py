"""A checkout's environments below `.local/`, made from hashed locks.

Each is either complete or made again: while packages are on their way a mark lies in its folder, and a start that
finds the mark (power cut, Ctrl-C, full disk) begins from nothing. A stamp remembers the locks that went in, so
that the next start takes no time.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap.installer import Installer


@dataclass(frozen=True)
class Checkout:
    """The project's folder on this machine."""

    root: Path

    @property
    def local(self) -> Path:
        """Where everything goes that is written here."""
        return self.root / ".local"

    def ready(self, name: str, locks: Sequence[Path], *, installer: Callable[[], Installer]) -> Path:
        """The Python of `.local/<name>` with every package of `locks`, set up now if need be.

        `installer` is only asked for when something is missing. Raises SetupFailed, with advice.
        """
        folder = self.local / name
        if self._missing(folder, locks):
            self.local.mkdir(exist_ok=True)
            with _alone(self.local / "setup.lock"):
                missing = self._missing(folder, locks)  # someone else may have set it up while we waited
                if missing:
                    _say(f"Setting up {folder.relative_to(self.root)} …")
                    self._fill(folder, missing, installer())
        return _python(folder)

    def hand_over(self, python: Path, *arguments: str) -> None:
        """Become `python arguments…`, run from the checkout's root. Does not return."""
        os.chdir(self.root)
        os.execv(python, [str(python), *arguments])  # noqa: S606 - the very purpose

    def _fill(self, folder: Path, locks: Sequence[Path], chosen: Installer) -> None:
        unfinished = folder / "unfinished"
        if unfinished.exists() or not _is_usable(folder):
            shutil.rmtree(folder, ignore_errors=True)
            chosen.create(folder)
        stamp = _read_stamp(folder)
        unfinished.touch()
        chosen.install(_python(folder), locks)
        stamp.update({self._name(lock): _digest(lock) for lock in locks})
        _write_stamp(folder, stamp)
        unfinished.unlink()

    def _missing(self, folder: Path, locks: Sequence[Path]) -> list[Path]:
        """The locks whose packages are not (or not as now pinned) in the environment."""
        if (folder / "unfinished").exists() or not _is_usable(folder):
            return list(locks)
        stamp = _read_stamp(folder)
        return [lock for lock in locks if stamp.get(self._name(lock)) != _digest(lock)]

    def _name(self, lock: Path) -> str:
        return str(lock.relative_to(self.root))


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _is_usable(folder: Path) -> bool:
    """False where the Python underneath is gone or the checkout was moved: scripts hold absolute paths."""
    return _python(folder).exists() and _read_stamp(folder).get("folder", str(folder)) == str(folder)


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
