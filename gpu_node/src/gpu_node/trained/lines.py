"""Files that only grow, by line number: all that is kept is where every 256th line begins."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path

EVERY = 256
MOST_BYTES = 1 << 20
"""Of one page: also with every byte escaped in JSON, readers that accept a few MB can take it."""


class GrowingFile:
    """The lines of a file that another process appends to, those that `counts` says yes to numbered from 1.

    A line longer than `longest` bytes counts as several; a last line without its end waits for it.
    """

    def __init__(self, path: Path, counts: Callable[[bytes], bool], *, longest: int) -> None:
        self._path = path
        self._counts = counts
        self._longest = longest
        self._read_to = 0
        self._starts = [0]
        self.count = 0

    def read_new(self) -> Iterator[bytes]:
        """The lines that came since the last call, counted or not."""
        for line, end in self._lines(self._read_to):
            self._read_to = end
            if self._counts(line):
                self.count += 1
                if self.count % EVERY == 0:
                    self._starts.append(end)
            yield line

    def page(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` counted lines with number > after, among those that were read.

        Fewer where they would be more than MOST_BYTES, but at least one.
        """
        wanted = range(after + 1, min(after + limit, self.count) + 1)
        if not wanted:
            return []
        block = after // EVERY
        number, size = block * EVERY, 0
        page: list[tuple[int, bytes]] = []
        for line, _ in self._lines(self._starts[block]):
            if self._counts(line):
                number += 1
                if number in wanted:
                    size += len(line)
                    if page and size > MOST_BYTES:
                        break
                    page.append((number, line))
                if number >= wanted[-1]:
                    break
        return page

    def _lines(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Each complete line from an offset on, and where it ends."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(start)
            while line := file.readline(self._longest):
                start += len(line)
                if not line.endswith(b"\n") and len(line) < self._longest:
                    return
                yield line, start


class Times:
    """When lines were seen: the moment of a line is that of the first note at or after it."""

    APART_S = 2.0

    def __init__(self) -> None:
        self._notes: list[tuple[int, float]] = []

    def note(self, count: int, at: float) -> None:
        """There were `count` lines at a moment."""
        if self._notes and (self._notes[-1][0] >= count or at - self._notes[-1][1] < self.APART_S):
            return
        self._notes.append((count, at))

    def of(self, number: int, fallback: float) -> float:
        """The moment of a line; `fallback` for one after the last note."""
        index = bisect_left(self._notes, number, key=lambda note: note[0])
        return self._notes[index][1] if index < len(self._notes) else fallback
