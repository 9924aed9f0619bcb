"""What came back over HTTP: a status, headers and a bounded body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.clusters.http import reading


@dataclass(frozen=True)
class Answer:
    """`headers` is case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """A header's value; empty where it is missing."""
        return self.headers.get(name, "")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError with the reason, and nothing of the content."""
        try:
            return reading.parse(self.body)
        except UnicodeDecodeError:
            raise ValueError("it is not UTF-8") from None
        except ValueError:
            raise ValueError("it is not JSON") from None
