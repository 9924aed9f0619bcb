"""One example of a dataset as a chat: any of them, in the file's order, by its line, at random, by length.

The first ones are kept in the report; for others a little of the file is read, as it was when it was validated.
"""

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from datasets.exceptions import DatasetChanged, DatasetError, DatasetMissing
from datasets.models import Dataset, DatasetReport
from datasets.storage import open_store
from datasets.storage.base import ObjectChanged, ObjectMissing
from datasets.validation.lengths import estimated_tokens
from datasets.validation.places import Found, Index, Mark, examples_from
from datasets.validation.sample import at_length

ORDERS = ("longest", "shortest", "random")  # besides the file's own
RANDOM_EXAMPLES = 100  # drawn for one seed
LARGEST_SEED = 999_999
LONG_TEXT = 900  # characters; a longer text is folded
_START = 400
_CHUNK = 256 * 1024
_MOST_CHUNKS = 64  # read for one example: 16 MiB, enough for files of many GB


@dataclass(frozen=True)
class Asked:
    """Which example is to be seen. `number` (from 1) is its place in the order; `line`, where given, comes first.

    `order` is one of ORDERS, or empty for the file's.
    """

    order: str = ""
    number: int = 1
    seed: int = 1
    line: int | None = None


def asked(*, order: str = "", number: str = "", seed: str = "", line: str = "") -> Asked:
    """The same of a URL's texts: what makes no sense counts as absent."""
    return Asked(
        order=order if order in ORDERS else "",
        number=_positive(number) or 1,
        seed=min(_positive(seed) or 1, LARGEST_SEED),
        line=_positive(line),
    )


@dataclass(frozen=True)
class Preview:
    """Example `number` (from 1) of the `count` that the order has; number `example` of all `total` in the file.

    `line` and `tokens` are None where not known. `is_whole`: any of the file's examples can be asked for; else only
    the first ones, which an older validation has kept. `problem` is why nothing is shown of the example, `note` what
    one should know of it.
    """

    order: str
    seed: int
    number: int
    count: int
    example: int
    total: int
    is_whole: bool
    line: int | None = None
    tokens: int | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    omitted: int = 0
    note: str = ""
    problem: DatasetError | None = None

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None

    @property
    def other_seed(self) -> int:
        """For other examples at random."""
        return self.seed % LARGEST_SEED + 1


def preview(dataset: Dataset, wanted: Asked) -> Preview | None:
    """That example; the first one where the order has none of that number. None without examples."""
    report = DatasetReport.objects.filter(dataset=dataset).only("examples", "places").first()
    kept = (report.examples if report else None) or dataset.sample
    if not kept:
        return None
    if report is None or not report.places:
        number = wanted.number if wanted.number <= len(kept) else 1
        seen = Preview("", wanted.seed, number, len(kept), number, len(kept), is_whole=False)
        return _filled(seen, kept[number - 1])
    source = _Source(dataset, kept, Index(report.places), dataset.total_training_pairs or len(kept))
    return source.on_line(wanted) if wanted.line else source.in_order(wanted)


@dataclass(frozen=True)
class _Source:
    """Where examples come from: the `kept` ones are the first of `total`, `index` leads to the others in the file."""

    dataset: Dataset
    kept: list[dict[str, Any]]
    index: Index
    total: int

    def in_order(self, wanted: Asked) -> Preview:
        examples, marks = self._order(wanted)
        number = wanted.number if wanted.number <= len(examples) else 1
        example = examples[number - 1]
        seen = Preview(wanted.order, wanted.seed, number, len(examples), example, self.total, is_whole=True)
        if example <= len(self.kept):
            return _filled(seen, self.kept[example - 1])
        mark = marks[number - 1] if marks else self.index.before_example(example)
        return self._read(seen, mark, lambda found: found.number == example)

    def on_line(self, wanted: Asked) -> Preview:
        """The example on that line, or else the next one behind it, or else the last of all."""
        line = wanted.line or 1
        seen = Preview("", wanted.seed, 1, self.total, 1, self.total, is_whole=True)
        for number, each in enumerate(self.kept, start=1):
            if (each.get("line") or 0) >= line:
                return _noted(_filled(replace(seen, number=number, example=number), each), line)
        if len(self.kept) < self.total:
            seen = self._read(seen, self.index.before_line(line), lambda found: found.line >= line)
            if not isinstance(seen.problem, _NotFound):
                return _noted(seen, line)
        last = self.in_order(Asked(number=self.total, seed=wanted.seed))
        return replace(last, note=f"There is no example on line {line:,} or behind it: this is the last one.")

    def _order(self, wanted: Asked) -> "tuple[range | list[int], list[Mark]]":
        """Numbers of examples, and where each of them is; without marks that is looked up."""
        if wanted.order == "random":
            chance = random.Random(wanted.seed)  # noqa: S311 - so that a link shows the same to others
            return chance.sample(range(1, self.total + 1), min(self.total, RANDOM_EXAMPLES)), []
        if wanted.order:
            marks = self.index.longest if wanted.order == "longest" else self.index.shortest
            return [mark.examples + 1 for mark in marks], marks
        return range(1, self.total + 1), []

    def _read(self, seen: Preview, mark: Mark, is_wanted: Callable[[Found], bool]) -> Preview:
        try:
            found = self._found(mark, is_wanted)
        except DatasetError as problem:
            return replace(seen, problem=problem)
        example = at_length(found.line, found.messages, estimated_tokens(found.content_bytes))
        number = seen.number if seen.order else found.number
        return _filled(replace(seen, number=number, example=found.number), example)

    def _found(self, mark: Mark, is_wanted: Callable[[Found], bool]) -> Found:
        bucket, path = self.dataset.storage_bucket, self.dataset.storage_path
        chunks = open_store().stream(
            bucket=bucket, path=path, etag=self.dataset.etag, start=mark.offset, chunk_bytes=_CHUNK
        )
        try:
            with closing(chunks):
                for found in examples_from(mark, islice(chunks, _MOST_CHUNKS)):
                    if is_wanted(found):
                        return found
        except ObjectChanged as error:
            raise DatasetChanged(
                "The file has changed since it was validated. Validate the dataset again to see its examples."
            ) from error
        except ObjectMissing as error:
            raise DatasetMissing(f"The file is no longer in {bucket}: only its first examples were kept.") from error
        raise _NotFound("This example was not found in the file. Validate the dataset again.")


class _NotFound(DatasetMissing):
    """Not where it should be, or not within what is read for one example."""


def _filled(seen: Preview, example: dict[str, Any]) -> Preview:
    messages = [_folded(message) for message in example["messages"]]
    return replace(
        seen,
        line=example.get("line"),
        tokens=example.get("tokens"),
        messages=messages,
        omitted=example.get("omitted", 0),
    )


def _noted(seen: Preview, line: int) -> Preview:
    if seen.line in (line, None):
        return seen
    return replace(seen, note=f"Line {line:,} holds no usable example: this is the next one.")


def _folded(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content", "")
    start = content[:_START] if len(content) > LONG_TEXT else ""
    return {**message, "start": start, "characters": len(content)}


def _positive(text: str) -> int | None:
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= 12 else None
