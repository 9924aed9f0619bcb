"""The check of a whole file, fed with chunks of any size. Memory stays bounded whatever the file holds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from datasets.validation import chat, container, sample, strict_json
from datasets.validation.example import Example
from datasets.validation.excerpt import Excerpt, decoded, excerpt, neighbour
from datasets.validation.layouts import LABELS, Layout
from datasets.validation.lengths import Lengths, estimated_tokens
from datasets.validation.lines import MAX_LINE_BYTES, Line, LineSplitter
from datasets.validation.locate import locate
from datasets.validation.places import Places
from datasets.validation.problems import Findings, Problem
from datasets.validation.report import MIXED, Report

FEW, VERY_FEW = 50, 10
MAX_REMEMBERED = 500_000  # lines known for the search for duplicates: about 50 MB


@dataclass
class _Lines:
    """How many lines have a layout, and the number of the first of them."""

    first: int
    count: int = 0


class Validator:
    """Feed it the file, then `finish`. `hopeless` says that reading on is of no use.

    `tell` is called with whether it is an error, and each finding, of which the report keeps but the first ones.
    """

    def __init__(
        self, *, tell: Callable[[bool, Problem], None] | None = None, max_remembered: int = MAX_REMEMBERED
    ) -> None:
        self._lines = LineSplitter()
        self._head = b""
        self._sniffed = False
        self.hopeless = False
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._errors = Findings(partial(tell, True) if tell else None)
        self._warnings = Findings(partial(tell, False) if tell else None)
        self._seen: set[int] = set()
        self._max_remembered = max_remembered
        self._forgetful = False
        self._lines_with_text = self._examples = self._messages = self._content_bytes = 0
        self._lengths = Lengths()
        self._layouts: dict[Layout, _Lines] = {}
        self._sample: list[dict[str, Any]] = []
        self._preview = sample.Preview()
        self._places = Places()
        self._previous: Line | None = None
        self._awaiting: list[Excerpt] = []  # whose next line has not come yet
        self.lines = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        self._digest.update(chunk)
        self._bytes += len(chunk)
        if self._sniffed:
            self._read(chunk)
        else:
            self._head += chunk
            if len(self._head) >= container.SNIFF_BYTES:
                self._sniff()

    def finish(self) -> Report:
        """The report; to be called once, after the last chunk."""
        if not self._sniffed:
            self._sniff()
        if not self.hopeless:
            for line in self._lines.finish():
                self._check(line)
            self._check_amount()
            self._check_layouts()
        tokens = estimated_tokens(self._content_bytes)
        examples = self._examples or 1
        return Report(
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
            format=MIXED if len(self._layouts) > 1 else "".join(self._layouts),
            training_pairs=self._examples,
            validation_pairs=0,
            tokens=tokens,
            avg_turns=round(self._messages / examples, 2),
            avg_tokens=round(tokens / examples, 2),
            lengths=self._lengths,
            errors=tuple(self._errors.kept),
            error_count=self._errors.count,
            warnings=tuple(self._warnings.kept),
            warning_count=self._warnings.count,
            sample=tuple(self._sample),
            lines=self.lines,
            error_kinds=self._errors.kinds,
            warning_kinds=self._warnings.kinds,
            examples=tuple(self._preview.examples),
            places=self._places.as_json(),
        )

    def _sniff(self) -> None:
        self._sniffed = True
        misfit = container.misfit(self._head[: container.SNIFF_BYTES])
        if misfit:
            self.hopeless = True
            self._errors.add(None, "", misfit.error, misfit.suggestion)
        elif self._head.startswith(container.UTF8_BOM):
            self._head = self._head.removeprefix(container.UTF8_BOM)
            self._lines = LineSplitter(offset=len(container.UTF8_BOM))
            advice = "Save it as UTF-8 without BOM: other tools stumble over it."
            self._warnings.add(1, "", "The file begins with a byte order mark (BOM).", advice)
        head, self._head = self._head, b""
        self._read(head)

    def _read(self, chunk: bytes) -> None:
        if not self.hopeless:
            for line in self._lines.feed(chunk):
                self._check(line)

    def _check(self, line: Line) -> None:
        for waiting in self._awaiting:
            waiting.next = neighbour(line.data)
        self._awaiting.clear()
        self._places.pass_line(line, self._examples)
        self._judge(line)
        self._previous = line
        self.lines = line.number

    def _judge(self, line: Line) -> None:
        if line.data is None:
            self._lines_with_text += 1
            limit = f"{MAX_LINE_BYTES // 1024**2} MiB"
            self._errors.add(line.number, "", f"The line is longer than {limit}.", "Split the example.")
            return
        data = line.data.strip()
        if not data:
            return
        self._lines_with_text += 1
        self._notice_duplicate(line, data)
        try:
            value = strict_json.parse(data)
        except strict_json.BadJSON as bad:
            indent = len(line.data) - len(line.data.lstrip())
            at = bad.at
            place = locate(decoded(line.data), bad.field) if at is None else (at + indent, at + indent + 1)
            self._errors.add(line.number, bad.field, bad.error, bad.suggestion, lambda: self._show(line, place))
            return
        self._count(line, chat.examine(value))

    def _show(self, line: Line, place: tuple[int, int] | None) -> Excerpt:
        shown = excerpt(line.data or b"", place)
        if self._previous is not None:
            shown.previous = neighbour(self._previous.data)
        self._awaiting.append(shown)
        return shown

    def _count(self, line: Line, example: Example) -> None:
        if example.layout:
            self._layouts.setdefault(example.layout, _Lines(line.number)).count += 1
        for finding in example.findings:
            target = self._errors if finding.is_error else self._warnings
            target.add(
                line.number,
                finding.field,
                finding.error,
                finding.suggestion,
                lambda field=finding.field: self._show(line, locate(decoded(line.data or b""), field)),  # type: ignore[misc]
            )
        if not example.usable:
            return
        tokens = estimated_tokens(example.content_bytes)
        self._places.offer(line, self._examples, tokens)
        self._examples += 1
        self._messages += len(example.messages)
        self._content_bytes += example.content_bytes
        self._lengths.add(tokens, estimated_tokens(example.learned_bytes))
        if len(self._sample) < sample.EXAMPLES:
            self._sample.append(sample.shorten(example.messages))
        self._preview.offer(line.number, example.messages, tokens)

    def _notice_duplicate(self, line: Line, data: bytes) -> None:
        fingerprint = hash(data)
        if fingerprint in self._seen:
            advice = "Remove it, unless it is meant to weigh more."
            error = "The example is an exact copy of an earlier one."
            self._warnings.add(line.number, "", error, advice, lambda: self._show(line, None))
        elif len(self._seen) < self._max_remembered:
            self._seen.add(fingerprint)
        elif not self._forgetful:
            self._forgetful = True
            error = f"Copies are only looked for among the first {self._max_remembered:,} different lines."
            self._warnings.add(line.number, "", error, "If later lines may repeat, remove copies before uploading.")

    def _check_amount(self) -> None:
        if not self._lines_with_text:
            advice = "Check that the right file was chosen and that its export worked."
            self._errors.add(None, "", "The file is empty.", advice)
        elif not self._errors.count and self._examples < FEW:
            much = "little" if self._examples >= VERY_FEW else "far too little"
            plural = "example" if self._examples == 1 else "examples"
            error = f"There is {much} to learn from: {self._examples} {plural}."
            self._warnings.add(None, "", error, f"Collect {FEW} or more; hundreds are usual.")

    def _check_layouts(self) -> None:
        """Several layouts in one file do no harm, but may tell of files put together by mistake."""
        if len(self._layouts) > 1:
            counts = ", ".join(f"{lines.count:,} {LABELS[layout]}" for layout, lines in self._layouts.items())
            other = list(self._layouts.values())[1]
            error = f"The file mixes layouts: {counts}. This line is the first that differs from those before."
            self._warnings.lead(other.first, "", error, "All are trained on. Check that they belong together.")
