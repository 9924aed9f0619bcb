"""What one line amounts to, whatever its format."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem whose line is not known here; a warning unless `is_error`."""

    field: str
    error: str
    suggestion: str
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """`content_bytes`: UTF-8 bytes of all that the model reads or learns from it; `learned_bytes`: of the
    assistant's messages among them."""

    findings: tuple[Finding, ...]
    messages: int = 0
    content_bytes: int = 0
    learned_bytes: int = 0

    @property
    def usable(self) -> bool:
        return not any(finding.is_error for finding in self.findings)


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
