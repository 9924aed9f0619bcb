"""One run on disk: what lies where, and JSON files that are whole or absent whenever a crash comes."""

import json
import os
from pathlib import Path
from typing import Any


class RunFolder:
    """The folder of one run. The trainer and the node agree on these names and share no code."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dataset = path / "dataset.jsonl"
        self.validation = path / "validation.jsonl"
        self.resume = path / "resume"
        self.job = path / "job.json"
        self.stop = path / "stop.json"
        self.events = path / "events.jsonl"
        self.heartbeat = path / "heartbeat"
        self.log = path / "log.txt"
        self.checkpoints = path / "checkpoints"
        self.output = path / "output"
        self.record = path / "record.json"
        self.process = path / "process"
        self.scratch = path / "tmp"

    def last_sign_of_life(self) -> float | None:
        """When the trainer last wrote anything, in epoch seconds; None when it never did."""
        return max(filter(None, map(_written_at, (self.heartbeat, self.events, self.log))), default=None)

    def heartbeat_at(self) -> float | None:
        return _written_at(self.heartbeat)

    def saved_checkpoints(self) -> set[str]:
        """The checkpoints that are here, by their path in the folder."""
        try:
            return {f"{self.checkpoints.name}/{path.name}" for path in self.checkpoints.iterdir()}
        except FileNotFoundError:
            return set()

    def size(self) -> int:
        """Bytes of all its files; a file that goes meanwhile counts nothing."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                try:
                    total += (Path(folder) / name).lstat().st_size
                except FileNotFoundError:
                    continue
        return total

    def say(self, text: str) -> None:
        """Adds a line of the node's own to the log, after ending one that a killed trainer left open."""
        with self.log.open("ab+") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 1))
            lead = b"\n" if size and log.read(1) != b"\n" else b""
            log.write(lead + f"[gpu_node] {text}\n".encode())


def write_json(path: Path, value: object) -> None:
    """Writes it beside, then puts it in place, on disk before the old one is gone."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_json(path: Path) -> Any:
    """The decoded file; None when there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def _written_at(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None
