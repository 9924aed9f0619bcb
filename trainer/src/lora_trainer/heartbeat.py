"""Touches a file while the process lives, so that a node can tell a busy trainer from a hung machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY_S = 2.0


@contextmanager
def beating(path: Path) -> Iterator[None]:
    """Touches `path` now and every two seconds until the block ends."""
    path.touch()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(EVERY_S):
            path.touch()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
