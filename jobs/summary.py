"""A run's training_summary.json, read with suspicion: it comes from a cluster and may hold anything. Pure.

Every figure is the number that it should be, or None; texts are texts; whatever else is there is left out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_SAMPLES = 10
MAX_SKIPPED = 1000
MAX_TEXT = 20_000  # of one message, in characters


@dataclass(frozen=True)
class Turn:
    """One message of a prompt."""

    role: str
    text: str


@dataclass(frozen=True)
class Sample:
    """A held-out prompt and three answers to it: the data's, the base model's and the adapter's."""

    prompt: tuple[Turn, ...]
    expected: str
    base: str
    adapter: str


@dataclass(frozen=True)
class Skipped:
    """An example that was not trained on; `line` of its file, None where it is not known."""

    line: int | None
    reason: str


@dataclass(frozen=True)
class Summary:
    """What a run says of itself when it has ended; tokens and steps of the whole run, seconds of training alone.

    `dataset_tokens` are of one pass after the cut at the maximum length, `lost_to_truncation` what the cut took.
    """

    steps: int | None
    seconds: float | None
    tokens: int | None
    dataset_tokens: int | None
    lost_to_truncation: int | None
    truncated: int | None
    without_loss: int | None
    longest: int | None
    base_validation_loss: float | None
    best_validation_loss: float | None
    best_step: int | None
    stopped: str
    skipped_count: int
    skipped: tuple[Skipped, ...]
    samples: tuple[Sample, ...]

    @property
    def lost_share(self) -> float | None:
        """Tokens lost to truncation, in percent of the dataset's before the cut."""
        if not self.lost_to_truncation or self.dataset_tokens is None:
            return None
        return 100.0 * self.lost_to_truncation / (self.dataset_tokens + self.lost_to_truncation)


def read(raw: Any) -> Summary:
    """The summary as the artifact keeps it; one without any figure where there is none."""
    whole = _mapping(raw)
    tokens, examples = _mapping(whole.get("tokens")), _mapping(whole.get("examples"))
    skipped = tuple(
        Skipped(_count(each.get("line")), _text(each.get("reason")))
        for each in map(_mapping, _list(examples.get("skipped"))[:MAX_SKIPPED])
        if each
    )
    return Summary(
        steps=_count(whole.get("steps")),
        seconds=figure(whole.get("seconds")),
        tokens=_count(tokens.get("processed")),
        dataset_tokens=_count(tokens.get("dataset")),
        lost_to_truncation=_count(tokens.get("lost_to_truncation")),
        longest=_count(tokens.get("longest")),
        truncated=_count(examples.get("truncated")),
        without_loss=_count(examples.get("without_loss")),
        base_validation_loss=figure(whole.get("base_validation_loss")),
        best_validation_loss=figure(whole.get("best_validation_loss")),
        best_step=_count(whole.get("best_step")),
        stopped=_text(whole.get("stopped")),
        skipped_count=max(len(skipped), _count(examples.get("skipped_count")) or 0),
        skipped=skipped,
        samples=tuple(
            _sample(each) for each in map(_mapping, _list(whole.get("samples"))[:MAX_SAMPLES]) if each.get("prompt")
        ),
    )


def _sample(raw: Mapping[str, Any]) -> Sample:
    turns = (
        Turn(_text(turn.get("role")), _text(turn.get("content"))) for turn in map(_mapping, _list(raw.get("prompt")))
    )
    answers = {name: _text(raw.get(name)) for name in ("expected", "base", "adapter")}
    return Sample(prompt=tuple(turn for turn in turns if turn.text), **answers)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def figure(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int | None:
    number = figure(value)
    return None if number is None or number < 0 else int(number)
