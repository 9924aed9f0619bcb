"""events.jsonl: the run's story for the node, one JSON object a line, appended and flushed, never rewritten."""

import json
import logging
import math
import os
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any

log = logging.getLogger(__name__)


class Events:
    """Appends events. `restart` counts the starts that the file already held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        earlier = path.read_bytes() if path.exists() else b""
        self.restart = earlier.count(b'{"event": "start"')
        self.ended = False
        # A line that a killed process left half written must not swallow the next one.
        self._lead = b"\n" if earlier and not earlier.endswith(b"\n") else b""

    def start(self, resumed_from_step: int | None) -> None:
        self.write(
            "start",
            restart=self.restart,
            pid=os.getpid(),
            resumed_from_step=resumed_from_step,
            versions=versions(),
        )

    def stage(self, stage: str, detail: str) -> None:
        log.info("%s: %s", stage, detail)
        self.write("stage", stage=stage, detail=detail)

    def point(self, step: int, epoch: float, values: Mapping[str, float | None]) -> None:
        """Missing (None) values are left out; NaN and infinities are named in `nonfinite`, never written."""
        finite = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
        wild = {
            name: _name_of(value) for name, value in values.items() if value is not None and not math.isfinite(value)
        }
        self.write("point", restart=self.restart, step=step, epoch=round(epoch, 6), values=finite, nonfinite=wild)

    def warning(self, code: str, message: str) -> None:
        log.warning("%s", message)
        self.write("warning", code=code, message=message)

    def end(self, outcome: str, error_code: str | None = None, error_message: str | None = None) -> None:
        log.info("%s%s", outcome, f": {error_message}" if error_message else "")
        self.write("end", outcome=outcome, error_code=error_code, error_message=error_message)
        self.ended = True

    def write(self, event: str, **content: Any) -> None:
        """Appends one event in one write, so that a reader sees whole lines."""
        line = json.dumps({"event": event, "at": round(time.time(), 3), **content}, allow_nan=False)
        lead, self._lead = self._lead, b"\n"  # for the next line, should the disk take only a part of this one
        with self._path.open("ab") as stream:
            stream.write(lead + line.encode() + b"\n")
        self._lead = b""


class NoEvents(Events):
    """For the processes of other devices than the first: they keep silent, and are told the restart."""

    def __init__(self, restart: int) -> None:
        self.restart = restart
        self.ended = False

    def write(self, event: str, **content: Any) -> None:
        return


def versions() -> dict[str, str]:
    """Of what shapes the result; asked of the packages' records, so that nothing is imported."""
    libraries = ("torch", "transformers", "peft", "trl")
    return {"python": python_version()} | {name: metadata.version(name) for name in libraries}


def _name_of(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
