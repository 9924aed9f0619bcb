"""What one line amounts to, whatever its layout."""

from dataclasses import dataclass
from typing import Any

from datasets.validation.layouts import Layout
from datasets.validation.problems import Finding


@dataclass(frozen=True, slots=True)
class Example:
    """`messages` are those it stands for, sound only where it is `usable`. `content_bytes`: UTF-8 bytes of all that
    the model reads or learns from it; `learned_bytes`: of the assistant's messages among them. `layout` is None
    where none was recognised."""

    findings: tuple[Finding, ...]
    messages: tuple[Any, ...] = ()
    content_bytes: int = 0
    learned_bytes: int = 0
    layout: Layout | None = None

    @property
    def usable(self) -> bool:
        return not any(finding.is_error for finding in self.findings)
