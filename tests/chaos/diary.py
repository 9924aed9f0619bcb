"""What was done when."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path


class Diary:
    """What was done when, in a file; `say` may be called from any thread."""

    def __init__(self, path: Path, echo: Callable[[str], object] = lambda line: None) -> None:
        self.path = path
        self._echo = echo
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        now = datetime.now(UTC)
        with self._lock, self.path.open("a") as file:
            file.write(
                f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} {time.monotonic() - self._started:7.1f} s  {text}\n"
            )
        self._echo(f"{time.monotonic() - self._started:6.1f} s  {text}")
