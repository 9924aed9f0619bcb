"""What a machine can put right in a file without guessing: bytes in, the corrected file's bytes out, and a summary.

Put right: UTF-16 and UTF-32, byte order marks, one JSON array or JSON over several lines, line ends, spaces around
lines. Left out: blank lines, exact copies, and lines with errors. Examples themselves are never changed.
"""

import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from datasets.validation import chat, container, strict_json
from datasets.validation.json_values import ValueSplitter
from datasets.validation.lines import MAX_LINE_BYTES, Line, LineSplitter
from datasets.validation.problems import kind_of_error

MAX_REMEMBERED = 500_000  # lines known for the search for copies: about 60 MB
NAMED_LINES = 20  # per reason
MAX_REASONS = 40
_OTHER_REASON = "other errors"
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Uncorrectable(Exception):
    """Nothing can be made of this file by machine; the message says why and what to do."""


@dataclass
class LeftOut:
    """`count` lines for one reason, and the numbers of the first of them."""

    count: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass
class Summary:
    """`read` lines (or values, where the file was no JSON lines) and `written` examples; what was changed, what is left
    out and why: reason → LeftOut. `notes` are what one should know besides."""

    unit: str = "line"
    read: int = 0
    written: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether the corrected file would be the file itself."""
        return not self.changes and not self.left_out

    def as_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "read": self.read,
            "written": self.written,
            "changes": [{"what": what, "count": count} for what, count in self.changes.items()],
            "left_out": [
                {"reason": reason, "count": out.count, "lines": out.lines} for reason, out in self.left_out.items()
            ],
            "notes": self.notes,
        }


class Corrector:
    """Feed it the file in chunks of any size, then `finish`; both give the corrected file's bytes. Memory is bounded.

    Raises Uncorrectable.
    """

    def __init__(self, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self.summary = Summary()
        self._head: bytes | None = b""  # until it is long enough to judge the file by
        self._decoder: codecs.IncrementalDecoder | None = None
        self._splitter: LineSplitter | ValueSplitter = LineSplitter()
        self._seen: set[bytes] = set()
        self._max_remembered = max_remembered

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if self._head is None:
            yield from self._read(chunk)
            return
        self._head += chunk
        if len(self._head) >= container.SNIFF_BYTES:
            yield from self._begin()

    def finish(self) -> Iterator[bytes]:
        if self._head is not None:
            yield from self._begin()
        if self._decoder is not None:
            yield from self._split(self._decode(b"", final=True))
        for line in self._splitter.finish():
            yield from self._judge(line)
        if not self.summary.written:
            raise Uncorrectable(
                "Nothing would be left: no line of the file is a usable example. Mend it as its report says, and "
                "upload it as a new dataset."
            )

    def _begin(self) -> Iterator[bytes]:
        head, self._head = self._head or b"", None
        encoding = _encoding(head[: container.SNIFF_BYTES])
        sample = head[: container.SNIFF_BYTES]
        if encoding:
            self._decoder = codecs.getincrementaldecoder(encoding)()
            self.summary.changes[f"converted from {encoding[:6].upper()} to UTF-8"] = 1
            sample = sample.decode(encoding, "ignore").encode("utf-8", "ignore")
        sample = sample.removeprefix(container.UTF8_BOM)
        misfit = container.misfit(sample)
        if container.is_one_value(sample):
            self._splitter = ValueSplitter()
            self.summary.unit = "value"
            self.summary.changes["written as one example per line"] = 1
        elif misfit is not None:
            raise Uncorrectable(f"{misfit.error} {misfit.suggestion}")
        if not encoding and head.startswith(container.UTF8_BOM):
            head = head.removeprefix(container.UTF8_BOM)
            self.summary.changes["byte order mark removed"] = 1
        yield from self._read(head)

    def _read(self, chunk: bytes) -> Iterator[bytes]:
        yield from self._split(self._decode(chunk) if self._decoder else chunk)

    def _decode(self, chunk: bytes, *, final: bool = False) -> bytes:
        assert self._decoder is not None  # noqa: S101 - asked by both callers
        try:
            return str(self._decoder.decode(chunk, final)).encode("utf-8")
        except UnicodeError:
            raise Uncorrectable("The file is not valid in its own encoding. Export it anew as UTF-8.") from None

    def _split(self, chunk: bytes) -> Iterator[bytes]:
        for line in self._splitter.feed(chunk):
            yield from self._judge(line)

    def _judge(self, line: Line) -> Iterator[bytes]:
        self.summary.read += 1
        if line.data is None:
            self._leave_out(line, f"longer than {MAX_LINE_BYTES // 1024**2} MiB")
            return
        data = line.data.strip()
        if data.startswith(container.UTF8_BOM):
            data = data.removeprefix(container.UTF8_BOM).strip()
            self.summary.changes["byte order marks within the file removed"] += 1
        reason = _fault(data) if data else "blank"
        if not reason and self._is_copy(data):
            reason = "exact copy of an earlier one"
        if reason:
            self._leave_out(line, reason)
            return
        if line.data == data + b"\r":
            self.summary.changes["line ends converted from CRLF to LF"] += 1
        elif line.data != data:
            self.summary.changes["spaces around lines removed"] += 1
        self.summary.written += 1
        yield data + b"\n"

    def _leave_out(self, line: Line, reason: str) -> None:
        if reason not in self.summary.left_out and len(self.summary.left_out) >= MAX_REASONS:
            reason = _OTHER_REASON
        out = self.summary.left_out.setdefault(reason, LeftOut())
        out.count += 1
        if len(out.lines) < NAMED_LINES:
            out.lines.append(line.number)

    def _is_copy(self, data: bytes) -> bool:
        """Told by 128 bits of a hash: what is taken for a copy is left out, so that chance must play no part."""
        digest = blake2b(data, digest_size=16).digest()
        if digest in self._seen:
            return True
        if len(self._seen) < self._max_remembered:
            self._seen.add(digest)
        elif not self.summary.notes:
            limit = f"{self._max_remembered:,}"
            self.summary.notes.append(f"Copies were only looked for among the first {limit} different lines.")
        return False


def _fault(data: bytes) -> str:
    """Why the line cannot be trained on, or an empty string."""
    try:
        value = strict_json.parse(data)
    except strict_json.BadJSON as bad:
        return kind_of_error(bad.error)
    error = next((finding.error for finding in chat.examine(value).findings if finding.is_error), "")
    return kind_of_error(error)


def _encoding(head: bytes) -> str:
    """utf-16 or utf-32 (by their marks), utf-16-le or utf-16-be (by where zeros are), or an empty string."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if container.looks_like_utf16(head):
        return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
    return ""
