"""What came of jobs, figure by figure, and which of them did best."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.evaluations import Evaluation
from jobs.models import TrainingJob
from jobs.templatetags import figures


@dataclass(frozen=True)
class Result:
    """`values` and `shown` like those of a setting, `notes` in small letters below; `best` marks the lowest values
    where they can be compared."""

    name: str
    label: str
    values: tuple[Any, ...]
    shown: tuple[str, ...]
    notes: tuple[str, ...]
    best: tuple[bool, ...]


def results(
    jobs: Sequence[TrainingJob], evaluated: Mapping[uuid.UUID, Evaluation], *, comparable: bool, now: datetime
) -> list[Result]:
    """`comparable`: whether the validation losses are measured on the same data."""

    def loss(name: str) -> Callable[[TrainingJob], float | None]:
        return lambda job: job.current_metrics.get(name)

    def best_loss(job: TrainingJob) -> float | None:
        return evaluated[job.pk].loss if job.pk in evaluated else None

    def at_step(job: TrainingJob) -> str:
        return f"at step {figures.count(evaluated[job.pk].step)}" if job.pk in evaluated else ""

    return [
        _result(jobs, "status", "Status", lambda job: job.status, lambda status: figures.BADGES[status][0]),
        _result(
            jobs,
            "best_validation_loss",
            "Best validation loss",
            best_loss,
            figures.measure,
            note=at_step,
            ranked=comparable,
        ),
        _result(
            jobs,
            "validation_loss",
            "Last validation loss",
            loss("validation_loss"),
            figures.measure,
            ranked=comparable,
        ),
        _result(jobs, "training_loss", "Last training loss", loss("training_loss"), figures.measure),
        _result(jobs, "step", "Steps", lambda job: job.current_step, figures.count, note=_of_steps),
        _result(jobs, "seconds", "Duration", lambda job: _seconds(job, now), figures.duration),
        _result(jobs, "throughput", "Tokens per second, last", loss("throughput"), figures.count),
        _result(jobs, "cost", "Cost", _cost, figures.dollars, note=_cost_note),
    ]


def _result(
    jobs: Sequence[TrainingJob],
    name: str,
    label: str,
    read: Callable[[TrainingJob], Any],
    write: Callable[[Any], str],
    *,
    note: Callable[[TrainingJob], str] = lambda job: "",
    ranked: bool = False,
) -> Result:
    values = tuple(read(job) for job in jobs)
    known = [value for value in values if value is not None]
    lowest = min(known) if ranked and len(known) > 1 else None
    return Result(
        name,
        label,
        values,
        tuple(write(value) for value in values),
        tuple(note(job) for job in jobs),
        tuple(value is not None and value == lowest for value in values),
    )


def _seconds(job: TrainingJob, now: datetime) -> float | None:
    """From the start of the training to its end, or to now."""
    if job.started_at is None:
        return None
    return max(0.0, round(((job.completed_at or now) - job.started_at).total_seconds(), 3))


def _of_steps(job: TrainingJob) -> str:
    return f"of {figures.count(job.total_steps)}" if job.total_steps else ""


def _cost(job: TrainingJob) -> float:
    return float(job.current_cost if job.final_cost is None else job.final_cost)


def _cost_note(job: TrainingJob) -> str:
    if job.gpu_price_per_hour is None:
        return "no price listed for this GPU"
    return "so far" if job.final_cost is None else ""
