"""The result of a validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datasets.validation.lengths import Lengths
from datasets.validation.problems import Problem

MIXED = "mixed"


@dataclass(frozen=True)
class Report:
    """Counts and findings of one file.

    `format` is the layout of its lines, MIXED where they have several, empty where none was recognised.
    `training_pairs` are usable examples (lines), each with an assistant message to learn. `validation_pairs`
    is 0: one file is training data; what a run holds out for evaluation is the run's own setting.
    `tokens` is an estimate, UTF-8 bytes of content / 4 rounded up, since no tokenizer is known here.
    `lengths` are estimated likewise, per example. `errors` and `warnings` are the first ones; the counts, also by
    kind, are of all. `sample` are the first examples, `examples` more of them at greater length; `places` (see
    `places.Places.as_json`) lead to all others.
    """

    bytes: int
    sha256: str
    format: str
    training_pairs: int
    validation_pairs: int
    tokens: int
    avg_turns: float
    avg_tokens: float
    lengths: Lengths
    errors: tuple[Problem, ...]
    error_count: int
    warnings: tuple[Problem, ...]
    warning_count: int
    sample: tuple[dict[str, Any], ...]
    lines: int = 0
    error_kinds: Mapping[str, int] = field(default_factory=dict)
    warning_kinds: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[dict[str, Any], ...] = ()
    places: Mapping[str, Any] = field(default_factory=dict)

    @property
    def training_ready(self) -> bool:
        return self.error_count == 0
