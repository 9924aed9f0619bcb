"""Taking metrics points over: each stored once per (job, attempt, restart, step)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from jobs import outline
from jobs.clusters.base import Point
from jobs.models import MetricsPoint, TrainingJob
from jobs.models.run import METRIC_NAMES

MAX_STEP = 2**62
METRICS_FIELDS = ("metrics_count", "metrics_version", "loss_outline")
_FILLABLE = (*METRIC_NAMES, "epoch", "timestamp")
# A point with one of these is of a training step: without a loss it has none to give, rather than none yet.
_OF_A_STEP = ("learning_rate", "gradient_norm", "throughput")


def store(job: TrainingJob, *, attempt: int, points: Iterable[Point], now: datetime) -> int:
    """Store points; a repeated key fills missing values and overwrites none. Returns how many are new.

    The caller holds the job's row lock and saves METRICS_FIELDS with the job.
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
    with_loss = []  # those of the changed ones whose loss is known only now
    for restart in {restart for restart, _ in fresh}:
        steps = [step for r, step in fresh if r == restart]
        stored = MetricsPoint.objects.filter(
            job=job, attempt=attempt, restart=restart, step__gte=min(steps), step__lte=max(steps)
        ).order_by()
        for row in stored:
            candidate = fresh.pop((restart, row.step), None)
            lacked_loss = row.training_loss is None
            if candidate is not None and _fill(row, candidate):
                changed.append(row)
                if lacked_loss and row.training_loss is not None:
                    with_loss.append(row)
    if not fresh and not changed:
        return 0
    job.metrics_version += 1
    job.metrics_count += len(fresh)
    job.loss_outline = outline.extend(job.loss_outline, told((*fresh.values(), *with_loss)))
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


def told(rows: Iterable[MetricsPoint]) -> Iterator[outline.Told]:
    """What the outline of the training loss takes of points: steps with a loss, and steps that have none."""
    for row in rows:
        if row.training_loss is not None or any(getattr(row, name) is not None for name in _OF_A_STEP):
            yield row.attempt, row.restart, row.step, row.training_loss


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
