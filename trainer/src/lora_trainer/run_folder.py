"""The folder of one run, and what lies where in it."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_CHECKPOINT = re.compile(r"step-(\d+)-r(\d+)")


@dataclass(frozen=True)
class FileRecord:
    """A file as events list it; `path` is relative to the folder that the event names."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StopOrder:
    """What stop.json says; without the file nothing is kept."""

    keep_adapter: bool = False


class RunFolder:
    """Paths, and the few questions that files answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job = path / "job.json"
        self.events = path / "events.jsonl"
        self.heartbeat = path / "heartbeat"
        self.checkpoints = path / "checkpoints"
        self.output = path / "output"
        self.partial_output = path / ".partial-output"

    def newest_checkpoint(self) -> Path | None:
        """The complete checkpoint with the highest step, of the latest restart that saved it."""
        found: list[tuple[int, int, Path]] = []
        for path in self.checkpoints.iterdir() if self.checkpoints.is_dir() else ():
            if match := _CHECKPOINT.fullmatch(path.name):
                found.append((int(match[1]), int(match[2]), path))
        return max(found)[2] if found else None

    def discard_unfinished(self) -> None:
        """Deletes what was being saved when a process was killed or the disk was full."""
        for path in (*self.checkpoints.glob(".partial-*"), self.partial_output):
            shutil.rmtree(path, ignore_errors=True)

    def stop_order(self) -> StopOrder:
        try:
            given = json.loads((self.path / "stop.json").read_text("utf-8"))
            return StopOrder(bool(given.get("keep_adapter", False)))
        except (OSError, ValueError, AttributeError):
            return StopOrder()


def checkpoint_name(step: int, restart: int) -> str:
    return f"step-{step:06d}-r{restart}"


def checkpoint_step(path: Path) -> int | None:
    match = _CHECKPOINT.fullmatch(path.name)
    return int(match[1]) if match else None


def describe_files(folder: Path) -> list[dict[str, Any]]:
    """Every file below the folder as {path, size, sha256}, sorted by path."""
    return [asdict(_describe(folder, path)) for path in sorted(_files(folder))]


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _describe(folder: Path, path: Path) -> FileRecord:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileRecord(path.relative_to(folder).as_posix(), path.stat().st_size, digest)
