"""Signals to the supervisor: asked for when it suits, never as an exception in the middle of something.

An exception between starting a process and noting it down would lose the process. So handlers only count, and
waiting ends early when a signal arrives.
"""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Someone pressed Ctrl-C or sent SIGTERM."""


class Interrupts:
    """Counts requests to stop while its block runs (main thread only)."""

    def __init__(self) -> None:
        self.requests = 0
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        self._former_wakeup = signal.set_wakeup_fd(self._writable, warn_on_full_buffer=False)
        for number in (*_STOP, signal.SIGCHLD):
            self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._readable)
        os.close(self._writable)

    def wait(self, seconds: float | None) -> None:
        """Return after `seconds` (None: for ever), or as soon as any signal or the end of a child is noticed."""
        readable, _, _ = select.select([self._readable], [], [], seconds)
        if readable:
            os.read(self._readable, 4096)

    def pause(self, seconds: float) -> None:
        """`wait`, but raises StopRequested when someone wants to stop."""
        self.raise_if_requested()
        self.wait(seconds)
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raises StopRequested when someone wants to stop."""
        if self.requests:
            raise StopRequested

    def wake(self) -> None:
        """End the current `wait`; may be called from another thread."""
        os.write(self._writable, b"\0")

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.requests += 1
