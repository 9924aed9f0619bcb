"""Findings: what is wrong, where, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any

KEEP = 100
MAX_TEXT = 300


@dataclass(frozen=True)
class Problem:
    """One finding. `line` counts from 1 and is None for the whole file; `field` is like messages[2].role."""

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


def printable(text: str, limit: int = MAX_TEXT) -> str:
    """`text` as a database and a page can take it: no NUL, no lone surrogates, at most `limit` characters."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
