"""Cuts a stream of JSON values, such as the elements of one array, into values: for files that are no JSON lines."""

import re
from collections.abc import Iterator

from datasets.validation.lines import MAX_LINE_BYTES, Line

_OUTSIDE = re.compile(rb'["{}\[\],]|[ \t\r\n]+')
_INSIDE = re.compile(rb'["\\]')


class ValueSplitter:
    """Feed chunks, get values without the white space between their parts, all else as it was written.

    An array around them is opened; values may also just follow each other. Numbers count from 1. Holds at most one
    value and one chunk; `data` is None for a value longer than MAX_LINE_BYTES. What is broken comes out broken.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._depth = 0  # of what is open within the value
        self._in_array = False  # the one around the values
        self._in_string = self._escaped = False
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        at = 0
        while at < len(chunk):
            if self._in_string:
                at = self._string(chunk, at)
                continue
            found = _OUTSIDE.search(chunk, at)
            if found is None:
                self._hold(chunk[at:])
                return
            self._hold(chunk[at : found.start()])
            at = found.end()
            yield from self._sign(found.group())

    def finish(self) -> Iterator[Line]:
        yield from self._end()

    def _string(self, chunk: bytes, at: int) -> int:
        """Take what belongs to the string; where it goes on."""
        if self._escaped:
            self._escaped = False
            self._hold(chunk[at : at + 1])
            return at + 1
        found = _INSIDE.search(chunk, at)
        end = found.end() if found else len(chunk)
        self._hold(chunk[at:end])
        self._escaped = found is not None and found.group() == b"\\"
        self._in_string = found is None or self._escaped
        return end

    def _sign(self, sign: bytes) -> Iterator[Line]:
        if sign == b'"':
            self._hold(sign)
            self._in_string = True
        elif sign in (b"{", b"["):
            if sign == b"[" and not self._depth and not self._pieces and not self._in_array:
                self._in_array = True
            else:
                self._depth += 1
                self._hold(sign)
        elif sign in (b"}", b"]"):
            if self._depth:
                self._depth -= 1
                self._hold(sign)
            elif sign == b"]" and self._in_array:
                self._in_array = False
                yield from self._end()
                return
            else:
                self._hold(sign)
            if not self._depth:
                yield from self._end()
        elif sign == b",":
            if self._depth:
                self._hold(sign)
            else:
                yield from self._end()
        elif not self._depth:
            yield from self._end()  # white space ends a number or a word

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._size > self._max:
            self._pieces = [b""]  # something, but no longer what it is
        else:
            self._pieces.append(piece)

    def _end(self) -> Iterator[Line]:
        if self._pieces:
            self._number += 1
            yield Line(self._number, None if self._size > self._max else b"".join(self._pieces))
        self._pieces, self._size, self._depth = [], 0, 0
