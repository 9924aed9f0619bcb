"""Findings: what is wrong, where, and what to do about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datasets.validation.excerpt import Excerpt

KEEP = 100
KEEP_OF_KIND = 5  # of each kind at least so many, also behind the first KEEP
MAX_KINDS = 40
MAX_TEXT = 300
OTHERS = "Other findings"

# What differs between two findings of one kind: quoted words, numbers, a byte's value.
_QUOTED = re.compile(r"“[^”]*”")
_BYTE = re.compile(r" \(0x[0-9a-f]{2}\)")
_NUMBER = re.compile(r"(?<![\w-])\d[\d,]*\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem whose line is not known where it is found; a warning unless `is_error`."""

    field: str
    error: str
    suggestion: str
    is_error: bool = True


@dataclass(frozen=True)
class Problem:
    """A finding with its place. `line` counts from 1 and is None for the whole file; `field` is like
    messages[2].role, in the names of the line's own layout. `kind` is what it has in common with others."""

    line: int | None
    field: str
    error: str
    suggestion: str
    kind: str = ""
    excerpt: Excerpt | None = None

    def as_json(self) -> dict[str, Any]:
        """What is kept with the dataset itself."""
        return {"line": self.line, "field": self.field, "error": self.error, "suggestion": self.suggestion}

    def as_full_json(self) -> dict[str, Any]:
        """All of it, as the report has it."""
        return {**self.as_json(), "kind": self.kind, "excerpt": self.excerpt and self.excerpt.as_json()}


class Findings:
    """Counts every problem by its kind and keeps the first ones, so that a file of errors costs no memory.

    Kept are the first KEEP, and the first KEEP_OF_KIND of each of the first MAX_KINDS kinds. `tell` is called with each
    one, kept or not, before anything is known of the next line.
    """

    def __init__(self, tell: Callable[[Problem], None] | None = None) -> None:
        self._tell = tell
        self.kept: list[Problem] = []
        self.count = 0
        self.kinds: dict[str, int] = {}

    def add(
        self,
        line: int | None,
        field: str,
        error: str,
        suggestion: str,
        show: Callable[[], Excerpt | None] = lambda: None,
    ) -> None:
        """Count the problem; with what `show` gives where anybody takes it."""
        self.count += 1
        kind = self._counted(error)
        is_kept = len(self.kept) < KEEP or (kind != OTHERS and self.kinds[kind] <= KEEP_OF_KIND)
        if not is_kept and self._tell is None:
            return
        problem = Problem(line, printable(field), printable(error), suggestion, kind, show())
        if is_kept:
            self.kept.append(problem)
        if self._tell is not None:
            self._tell(problem)

    def lead(self, line: int | None, field: str, error: str, suggestion: str) -> None:
        """Add what is only known at the end and must not be lost among many: it comes first."""
        self.count += 1
        problem = Problem(line, printable(field), printable(error), suggestion, self._counted(error))
        self.kept = [problem, *(self.kept if len(self.kept) < KEEP else self.kept[:-1])]
        if self._tell is not None:
            self._tell(problem)

    def _counted(self, error: str) -> str:
        kind = kind_of_error(error)
        if kind not in self.kinds and len(self.kinds) >= MAX_KINDS:
            kind = OTHERS
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return kind


def kind_of_error(error: str) -> str:
    """The error without what is special to its line: two of one kind have the same."""
    text = _BYTE.sub("", _QUOTED.sub("“…”", error))
    return printable(_NUMBER.sub("…", text), 200)


def printable(text: str, limit: int = MAX_TEXT) -> str:
    """`text` as a database and a page can take it: no NUL, no lone surrogates, at most `limit` characters."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def kind_of(value: Any) -> str:
    """What JSON calls the value, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
