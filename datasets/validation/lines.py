"""Cuts a stream of bytes into numbered lines, holding at most one line and one chunk in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """`data` is without its line break, and None for a line longer than MAX_LINE_BYTES."""

    number: int
    data: bytes | None


class LineSplitter:
    """Feed chunks, get complete lines; `finish` gives the last one if it has no line break."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._tail = b""
        self._skipping = False  # inside a line that is already known to be too long
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        parts = chunk.split(b"\n")
        if len(parts) > 1:
            parts[0] = self._tail + parts[0]
            self._tail = b""
            for part in parts[:-1]:
                yield self._line(part)
        self._hold(parts[-1])

    def finish(self) -> Iterator[Line]:
        if self._tail or self._skipping:
            yield self._line(self._tail)
            self._tail = b""

    def _hold(self, part: bytes) -> None:
        self._tail = self._tail + part
        if len(self._tail) > self._max:
            self._tail, self._skipping = b"", True

    def _line(self, data: bytes) -> Line:
        too_long = self._skipping or len(data) > self._max
        self._skipping = False
        self._number += 1
        return Line(self._number, None if too_long else data)
