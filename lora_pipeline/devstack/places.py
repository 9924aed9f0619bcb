"""Where the stack keeps what it writes: everything lies below one folder, usually `.local/`."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class AlreadyRunning(Exception):
    """Another stack runs on this folder; the message says which and how to stop it."""


@dataclass(frozen=True)
class Places:
    """The files and folders of one stack."""

    local: Path

    @property
    def data(self) -> Path:
        """The database, the servers' data, ports and generated secrets: what a restart goes on with."""
        return self.local / "data"

    @property
    def run(self) -> Path:
        """A note per running process."""
        return self.local / "run"

    @property
    def logs(self) -> Path:
        """A log per process, and the one before."""
        return self.local / "logs"

    @property
    def ports(self) -> Path:
        """The ports of the last start."""
        return self.data / "ports.json"

    @property
    def facts(self) -> Path:
        """demo.json: address, users, storage and cluster, for scripts."""
        return self.local / "demo.json"

    @property
    def environment(self) -> Path:
        """demo.env: the environment that the processes run in, for shells and bin/manage."""
        return self.local / "demo.env"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only, and put the former logs aside."""
        for folder in (self.data, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def forget(self) -> None:
        """Delete all that a stack has stored; nothing may be running."""
        for folder in (self.data, self.run, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.facts, self.environment):
            file.unlink(missing_ok=True)

    def secrets(self) -> dict[str, str]:
        """The secrets of this stack, generated at its first start."""
        path = self.data / "secrets.json"
        wanted = ("secret_key", "s3_access_key_id", "s3_secret_access_key", "gpu_node_api_key")
        known = read_json(path)
        made = {name: known.get(name) or secrets.token_hex(32 if name == "secret_key" else 16) for name in wanted}
        if made != known:
            write_private(path, json.dumps(made, indent=1))
        return made

    @contextmanager
    def only_stack(self) -> Iterator[None]:
        """Hold this folder alone; raises AlreadyRunning when another stack does. Ends with the process, however."""
        self.local.mkdir(parents=True, exist_ok=True)
        with (self.local / "demo.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                pid = lock.read().strip() or "unknown"
                raise AlreadyRunning(
                    f"bin/demo already runs in this checkout (process {pid}). Its addresses are in {self.facts}.\n"
                    f"Stop it with Ctrl-C in its terminal, or with `kill {pid}`."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when the file is missing or damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
