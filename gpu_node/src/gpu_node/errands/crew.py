"""A fixed number of workers over one queue; idle workers cost nothing."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

logger = logging.getLogger("gpu_node")

Work = Callable[[], Awaitable[None]]


class Crew:
    """Runs queued work with at most `size` at a time; with a `limit` the oldest waiting work is dropped."""

    def __init__(self, name: str, size: int, limit: int | None = None) -> None:
        self._name = name
        self._size = size
        self._waiting: deque[Work] = deque(maxlen=limit)
        self._running: set[asyncio.Task[None]] = set()
        self._later: set[asyncio.TimerHandle] = set()
        self._closed = False

    def add(self, work: Work) -> None:
        """Does the work as soon as a worker is free."""
        if self._closed:
            return
        self._waiting.append(work)
        if len(self._running) < self._size:
            task = asyncio.get_running_loop().create_task(self._work(), name=self._name)
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def add_later(self, delay_s: float, work: Work) -> None:
        """Queues the work after a delay that occupies no worker."""

        def due() -> None:
            self._later.discard(handle)
            self.add(work)

        handle = asyncio.get_running_loop().call_later(delay_s, due)
        self._later.add(handle)

    async def close(self) -> None:
        """Drops what waits and ends what runs."""
        self._closed = True
        self._waiting.clear()
        for handle in self._later:
            handle.cancel()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _work(self) -> None:
        while self._waiting:
            work = self._waiting.popleft()
            try:
                await work()
            except Exception:
                logger.exception("An errand failed unexpectedly (%s)", self._name)
