"""The trainer's environment, `.local/trainer`, made by the trainer's own `install.py`: a GPU machine has only that."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bootstrap.installer import SetupFailed

_WATCHED_PERCENT = 10  # between two lines for someone who watches


def ready(root: Path, *options: str) -> Path:
    """The Python of the complete environment, made now if need be; raises SetupFailed, with advice."""
    folder = root / ".local" / "trainer"
    command = [sys.executable, str(root / "trainer" / "install.py"), "--env", str(folder), *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:
        last = _show(json.loads(line) for line in child.stdout or ())
    if child.returncode:
        raise SetupFailed(str(last.get("text") or f"`{' '.join(command)}` ended with {child.returncode}."))
    return Path(str(last["python"]))


def become(root: Path, arguments: Sequence[str]) -> None:
    """Become `python -m lora_trainer arguments…` where one is, so that relative paths mean what they say."""
    command = [str(ready(root)), "-m", "lora_trainer", *arguments]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(root / "trainer" / "src")})  # noqa: S606


def _show(lines: Iterable[dict[str, object]]) -> dict[str, object]:
    """Say now and then how far it is; returns the last line."""
    said = 0.0
    last: dict[str, object] = {}
    for last in lines:
        progress = last.get("progress")
        if isinstance(progress, float | int) and said + _WATCHED_PERCENT <= progress < 100:
            said = progress
            print(f"Setting up .local/trainer … {progress:.0f}% ({last['text']})", file=sys.stderr, flush=True)
    return last
