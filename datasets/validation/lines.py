"""Cuts a stream of bytes into numbered lines, holding at most one line and one chunk in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """`data` is without its line break, and None for a line longer than MAX_LINE_BYTES. `offset` is where it begins, in
    bytes of the file; 0 where that is not known."""

    number: int
    data: bytes | None
    offset: int = 0


class LineSplitter:
    """Feed chunks, get complete lines; `finish` gives the last one if it has no line break.

    `first` and `offset` are the number and the place of the line that the first chunk begins with.
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES, *, first: int = 1, offset: int = 0) -> None:
        self._max = max_line_bytes
        self._tail = b""
        self._dropped = 0  # bytes of a line that is already known to be too long
        self._number = first - 1
        self._offset = offset  # of the line that is next

    def feed(self, chunk: bytes) -> Iterator[Line]:
        parts = chunk.split(b"\n")
        if len(parts) > 1:
            parts[0] = self._tail + parts[0]
            self._tail = b""
            for part in parts[:-1]:
                yield self._line(part)
        self._hold(parts[-1])

    def finish(self) -> Iterator[Line]:
        if self._tail or self._dropped:
            yield self._line(self._tail)
            self._tail = b""

    def _hold(self, part: bytes) -> None:
        self._tail = self._tail + part
        if self._dropped or len(self._tail) > self._max:
            self._dropped += len(self._tail)
            self._tail = b""

    def _line(self, data: bytes) -> Line:
        too_long = self._dropped or len(data) > self._max
        self._number += 1
        line = Line(self._number, None if too_long else data, self._offset)
        self._offset += self._dropped + len(data) + 1
        self._dropped = 0
        return line
