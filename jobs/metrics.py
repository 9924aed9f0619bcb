"""Taking metrics points over: each stored once per (job, attempt, restart, step)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from jobs.clusters.base import Point
from jobs.models import MetricsPoint, TrainingJob
from jobs.models.run import METRIC_NAMES

MAX_STEP = 2**62
_FILLABLE = (*METRIC_NAMES, "epoch", "timestamp")


def store(job: TrainingJob, *, attempt: int, points: Iterable[Point], now: datetime) -> int:
    """Store points; a repeated key fills missing values and overwrites none. Returns how many are new.

    The caller holds the job's row lock and saves `metrics_count` and `metrics_version` with the job.
    Points with an impossible step are left out.
    """
    fresh: dict[tuple[int, int], MetricsPoint] = {}
    for point in points:
        if not 0 <= point.step <= MAX_STEP:
            continue
        row = _row(job, attempt, point, now)
        known = fresh.setdefault((point.restart, point.step), row)
        if known is not row:
            _fill(known, row)
    if not fresh:
        return 0
    changed = []
    for restart in {restart for restart, _ in fresh}:
        steps = [step for r, step in fresh if r == restart]
        stored = MetricsPoint.objects.filter(
            job=job, attempt=attempt, restart=restart, step__gte=min(steps), step__lte=max(steps)
        )
        for row in stored:
            candidate = fresh.pop((restart, row.step), None)
            if candidate is not None and _fill(row, candidate):
                changed.append(row)
    if not fresh and not changed:
        return 0
    job.metrics_version += 1
    job.metrics_count += len(fresh)
    for row in (*fresh.values(), *changed):
        row.version = job.metrics_version
    MetricsPoint.objects.bulk_create(fresh.values(), batch_size=1000)
    if changed:
        MetricsPoint.objects.bulk_update(changed, (*_FILLABLE, "version"), batch_size=200)
    return len(fresh)


def merge(known: Mapping[str, float | None], values: Mapping[str, float | None]) -> dict[str, float | None]:
    """The last known value of each metric: what is missing in `values` stays as it was; 0 is a value."""
    merged = dict(known)
    merged.update({name: values[name] for name in METRIC_NAMES if values.get(name) is not None})
    return merged


def _row(job: TrainingJob, attempt: int, point: Point, now: datetime) -> MetricsPoint:
    return MetricsPoint(
        job=job,
        owner_id=job.owner_id,
        attempt=attempt,
        restart=point.restart,
        step=point.step,
        epoch=point.epoch,
        timestamp=point.at,
        created_at=now,
        **{name: point.values.get(name) for name in METRIC_NAMES},
    )


def _fill(row: MetricsPoint, other: MetricsPoint) -> bool:
    """Give `row` the values that it lacks and `other` has; whether there were any."""
    filled = False
    for name in _FILLABLE:
        if getattr(row, name) is None and getattr(other, name) is not None:
            setattr(row, name, getattr(other, name))
            filled = True
    return filled
