"""Bytes that pass through: an iterator of pieces as a file to read from, counted and hashed on the way."""

import hashlib
import io
from collections.abc import Iterable, Iterator


class TooLarge(Exception):
    """More bytes than the limit; the message is a sentence."""


class HashingReader(io.RawIOBase):
    """Reads pieces of bytes as a file in bounded memory; knows `size` and `sha256` of what was read.

    Raises TooLarge beyond `limit` bytes.
    """

    def __init__(self, pieces: Iterable[bytes], *, limit: int) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = memoryview(b"")
        self._hash = hashlib.sha256()
        self._limit = limit
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._hash.update(self._rest[:count])
        self._rest = self._rest[count:]
        self.size += count
        if self.size > self._limit:
            raise TooLarge(f"There are more than {self._limit} bytes, which is more than is taken over.")
        return count
