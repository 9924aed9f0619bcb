"""What a job was expected to take beside what it took, once it has ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs import provenance
from jobs.models import TrainingJob
from jobs.states import Status
from jobs.templatetags import figures

Range = tuple[float, float]

# Of a run that only plays its part the pace is made up, and so is what hangs on it.
PACED = {"Duration", "Cost"}
SIMULATED = "simulated: it says nothing about the estimate"


@dataclass(frozen=True)
class Line:
    """One figure: as it came out, as it was expected, and how a whole run compares ("" where nothing can be said)."""

    label: str
    actual: str
    estimated: str
    verdict: str


def lines(job: TrainingJob) -> list[Line]:
    """Steps, tokens, seconds with GPUs and dollars of an ended job; nothing for one without a stored estimate."""
    estimate, actual = job.estimate, provenance.actual(job)
    if not estimate or actual is None:
        return []
    found: list[tuple[str, float | None, Any, Callable[[Any], str]]] = [
        ("Steps", actual["steps"], estimate.get("steps"), figures.count),
        ("Tokens", actual["tokens"], estimate.get("tokens"), figures.count),
        ("Duration", actual["seconds"], estimate.get("duration_seconds"), figures.duration),
        ("Cost", actual["cost"], estimate.get("cost"), figures.dollars),
    ]
    is_whole = job.status == Status.COMPLETED  # less than a whole run says nothing about the estimate
    return [
        Line(
            label,
            write(actual),
            _written(_range(stored), write),
            (SIMULATED if job.simulated and label in PACED else _verdict(actual, _range(stored))) if is_whole else "",
        )
        for label, actual, stored, write in found
        if actual is not None or stored is not None
    ]


def _written(expected: Range | None, write: Callable[[Any], str]) -> str:
    if expected is None:
        return figures.ABSENT
    low, high = (write(end) for end in expected)
    return low if low == high else f"{low} to {high}"


def _verdict(actual: float | None, expected: Range | None) -> str:
    if actual is None or expected is None:
        return ""
    low, high = expected
    if low <= actual <= high:
        return "as estimated" if low == high else "within the range"
    middle = (low + high) / 2
    if not middle:
        return ""
    ratio = actual / middle
    if ratio < 0.1:
        return "less than a tenth of the estimate"
    return "about as estimated" if 0.95 <= ratio < 1.05 else f"{ratio:.2g} times the estimate"


def _range(value: Any) -> Range | None:
    """A stored figure: one number, or {low, high}."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        return (float(low), float(high)) if low is not None and high is not None else None
    return None if value is None else (float(value), float(value))
