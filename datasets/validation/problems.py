"""Findings: what is wrong, where, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any

KEEP = 100
MAX_TEXT = 300


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
    messages[2].role, in the names of the line's own layout."""

    line: int | None
    field: str
    error: str
    suggestion: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Findings:
    """Counts every problem and keeps the first KEEP, so that a file of errors costs no memory."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.count = 0

    def add(self, line: int | None, field: str, error: str, suggestion: str) -> None:
        self.count += 1
        if len(self.kept) < KEEP:
            self.kept.append(Problem(line, printable(field), printable(error), suggestion))

    def lead(self, line: int | None, field: str, error: str, suggestion: str) -> None:
        """Add what is only known at the end and must not be lost among many: it comes first."""
        self.count += 1
        self.kept = [Problem(line, printable(field), printable(error), suggestion), *self.kept[: KEEP - 1]]


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
