"""A job's events by attempt, the newest attempt first, as the page lists them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from jobs.models import JobAttempt, JobEvent, TrainingJob

ACTORS = {"system": "this installation", "cluster": "the GPU cluster"}


@dataclass
class Attempt:
    """`cost` and `end_reason` as the attempt's row has them, None and "" where there is none yet."""

    number: int
    external_job_id: str = ""
    end_reason: str = ""
    cost: Decimal | None = None
    events: list["Line"] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """`later_s`: seconds after the line before, None for the first. `tone`: plain, status, warn or bad."""

    at: datetime
    later_s: float | None
    message: str
    who: str
    tone: str


def attempts(job: TrainingJob, events: Sequence[JobEvent]) -> list[Attempt]:
    """Every attempt that has events, each with its own, oldest first."""
    rows = {row.number: row for row in JobAttempt.objects.filter(job=job)}
    found: dict[int, Attempt] = {}
    for event in events:
        row = rows.get(event.attempt)
        if event.attempt not in found:
            found[event.attempt] = _attempt(event.attempt, row)
        lines = found[event.attempt].events
        later_s = (event.created_at - lines[-1].at).total_seconds() if lines else None
        lines.append(Line(event.created_at, later_s, event.message, who(event.actor), _tone(event)))
    return sorted(found.values(), key=lambda attempt: -attempt.number)


def who(actor: str) -> str:
    """user:alice → alice; system and cluster in words."""
    return ACTORS.get(actor, actor.removeprefix("user:"))


def _attempt(number: int, row: JobAttempt | None) -> Attempt:
    if row is None:
        return Attempt(number)
    return Attempt(number, row.external_job_id, row.end_reason.replace("_", " "), row.cost)


def _tone(event: JobEvent) -> str:
    if event.to_status == "failed":
        return "bad"
    if event.kind == "warning":
        return "warn"
    return "status" if event.to_status else "plain"
