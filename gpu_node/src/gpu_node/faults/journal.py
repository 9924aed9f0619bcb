"""Which submits and cancels arrived, kept over restarts, so that a test can count them."""

import json
from pathlib import Path
from typing import Any

from gpu_node.clock import Clock, iso


class Journal:
    """Lines of JSON in the state directory."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def note(self, kind: str, **facts: Any) -> None:
        """Adds a line; `kind` is submit or cancel."""
        line = json.dumps({"kind": kind, "at": iso(self._clock.now()), **facts})
        with self._path.open("a") as file:
            file.write(line + "\n")

    def read(self, kind: str) -> list[dict[str, Any]]:
        """All lines of one kind, oldest first."""
        if not self._path.exists():
            return []
        with self._path.open() as file:
            entries = [json.loads(line) for line in file]
        return [entry for entry in entries if entry.pop("kind") == kind]
