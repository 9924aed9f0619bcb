"""Where examples are in a file, in bounded size: any of its examples is found by reading a little of the file.

Marks are some of the beginnings of lines, the more apart the larger the file is; the longest and the shortest examples
have marks of their own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import Any, NamedTuple

from datasets.validation import chat, strict_json
from datasets.validation.example import Example
from datasets.validation.lines import Line, LineSplitter

STRIDE = 64 * 1024  # bytes, as long as MOST_MARKS reach
MOST_MARKS = 2048
EXTREMES = 50  # of the longest and of the shortest examples


class Mark(NamedTuple):
    """The line with this number begins at this byte; `examples` are before it."""

    examples: int
    line: int
    offset: int


@dataclass(frozen=True)
class Found:
    """A usable example: its number among them and its line's, both from 1; UTF-8 bytes of all that a model reads."""

    number: int
    line: int
    messages: tuple[dict[str, Any], ...]
    content_bytes: int


class Places:
    """Takes the lines of a file in order. A line begins less than two times `stride` (bytes) behind a mark."""

    def __init__(self, *, stride: int = STRIDE, most: int = MOST_MARKS) -> None:
        self.marks: list[Mark] = []
        self.stride, self._most = stride, most
        self._next = 0
        self._longest: list[tuple[int, Mark]] = []  # heaps: (size, mark), the least wanted first
        self._shortest: list[tuple[int, Mark]] = []

    def pass_line(self, line: Line, examples: int) -> None:
        """A line, usable or not, with so many examples before it."""
        if line.offset >= self._next:
            self.marks.append(Mark(examples, line.number, line.offset))
            self._next = line.offset + self.stride
            while len(self.marks) > self._most:
                self._thin_out()

    def offer(self, line: Line, examples: int, tokens: int) -> None:
        """A usable example on this line, with so many examples before it."""
        mark = Mark(examples, line.number, line.offset)
        # Of two alike the earlier one stays, in both lists.
        _keep(self._longest, tokens, mark)
        _keep(self._shortest, -tokens, mark)

    def as_json(self) -> dict[str, Any]:
        """{"marks", "longest", "shortest"}: lists of [examples, line, offset]; the first longest is the longest."""
        return {"marks": self.marks, "longest": _in_order(self._longest), "shortest": _in_order(self._shortest)}

    def _thin_out(self) -> None:
        self.stride *= 2
        kept: list[Mark] = []
        for mark in self.marks:
            if not kept or mark.offset >= kept[-1].offset + self.stride:
                kept.append(mark)
        self.marks = kept
        self._next = kept[-1].offset + self.stride


class Index:
    """What `Places.as_json` wrote, read again."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.marks, self.longest, self.shortest = (
            [Mark(*mark) for mark in stored.get(name, ())] for name in ("marks", "longest", "shortest")
        )

    def before_example(self, number: int) -> Mark:
        """The last mark at or before the example with this number, from 1."""
        return _last(mark for mark in self.marks if mark.examples < number)

    def before_line(self, number: int) -> Mark:
        """The last mark at or before the line with this number, from 1."""
        return _last(mark for mark in self.marks if mark.line <= number)


def examples_from(mark: Mark, chunks: Iterable[bytes]) -> Iterator[Found]:
    """The usable examples of a file whose bytes from the mark on are `chunks`; takes no more of them than it needs."""
    splitter, number = LineSplitter(first=mark.line, offset=mark.offset), mark.examples
    for line in _lines(splitter, chunks):
        example = _example(line.data)
        if example is not None:
            number += 1
            yield Found(number, line.number, example.messages, example.content_bytes)


def _lines(splitter: LineSplitter, chunks: Iterable[bytes]) -> Iterator[Line]:
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


def _example(data: bytes | None) -> Example | None:
    stripped = (data or b"").strip()
    if not stripped:
        return None
    try:
        example = chat.examine(strict_json.parse(stripped))
    except strict_json.BadJSON:
        return None
    return example if example.usable else None


def _keep(heap: list[tuple[int, Mark]], size: int, mark: Mark) -> None:
    if len(heap) < EXTREMES:
        heappush(heap, (size, _later_first(mark)))
    elif size > heap[0][0]:
        heappushpop(heap, (size, _later_first(mark)))


def _later_first(mark: Mark) -> Mark:
    return Mark(-mark.examples, -mark.line, -mark.offset)


def _in_order(heap: list[tuple[int, Mark]]) -> list[Mark]:
    return [_later_first(mark) for _, mark in sorted(heap, reverse=True)]


def _last(marks: Iterable[Mark]) -> Mark:
    last = Mark(0, 1, 0)
    for mark in marks:
        last = mark
    return last
