"""Taking metrics points over: each stored once per (job, attempt, restart, step)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from jobs import outline
from jobs.clusters.base import Point
from jobs.models import MetricsPoint, TrainingJob
from jobs.models.run import METRIC_NAMES

MAX_STEP = 2**62
METRICS_FIELDS = ("metrics_count", "metrics_version", "loss_outline")
_FILLABLE = (*METRIC_NAMES, "epoch", "timestamp")
# A point with one of these is of a training step: without a loss it has none to give, rather than none yet.
_OF_A_STEP = ("learning_rate", "gradient_norm", "throughput")
# Far below what a database takes in one condition.
_SPANS_AT_ONCE = 50
_Key = tuple[int, int]  # restart, step


@dataclass(frozen=True)
class Page:
    """New points of one attempt of a job."""

    job: TrainingJob
    attempt: int
    points: Iterable[Point]


def store(pages: Sequence[Page], *, now: datetime) -> list[int]:
    """Store points, a page for each of several jobs; a repeated key fills missing values and overwrites none.
    Returns how many of each page are new.

    The caller holds the jobs' row locks and saves METRICS_FIELDS with each job.
    Points with an impossible step are left out. As many queries however many jobs.
    """
    fresh = {page.job.pk: _fresh(page, now) for page in pages}
    changed: dict[UUID, list[MetricsPoint]] = {page.job.pk: [] for page in pages}
    with_loss: dict[UUID, list[MetricsPoint]] = {page.job.pk: [] for page in pages}  # changed, the loss known only now
    for row in _stored(pages, fresh):
        candidate = fresh[row.job_id].pop((row.restart, row.step), None)
        lacked_loss = row.training_loss is None
        if candidate is not None and _fill(row, candidate):
            changed[row.job_id].append(row)
            if lacked_loss and row.training_loss is not None:
                with_loss[row.job_id].append(row)
    for page in pages:
        job, new = page.job, fresh[page.job.pk].values()
        if new or changed[job.pk]:
            job.metrics_version += 1
            job.metrics_count += len(new)
            job.loss_outline = outline.extend(job.loss_outline, told((*new, *with_loss[job.pk])))
            for row in (*new, *changed[job.pk]):
                row.version = job.metrics_version
    MetricsPoint.objects.bulk_create([row for rows in fresh.values() for row in rows.values()], batch_size=1000)
    filled = [row for rows in changed.values() for row in rows]
    MetricsPoint.objects.bulk_update(filled, (*_FILLABLE, "version"), batch_size=200)
    return [len(fresh[page.job.pk]) for page in pages]


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


def _fresh(page: Page, now: datetime) -> dict[_Key, MetricsPoint]:
    """The points of a page as rows, each step once."""
    fresh: dict[_Key, MetricsPoint] = {}
    for point in page.points:
        if not 0 <= point.step <= MAX_STEP:
            continue
        row = _row(page.job, page.attempt, point, now)
        known = fresh.setdefault((point.restart, point.step), row)
        if known is not row:
            _fill(known, row)
    return fresh


def _stored(pages: Iterable[Page], fresh: Mapping[UUID, Mapping[_Key, MetricsPoint]]) -> Iterator[MetricsPoint]:
    """The rows that are there between the first and the last step of what is fresh of each restart."""
    spans = []
    for page in pages:
        steps = defaultdict(list)
        for restart, step in fresh[page.job.pk]:
            steps[restart].append(step)
        spans += [
            Q(job=page.job, attempt=page.attempt, restart=restart, step__range=(min(some), max(some)))
            for restart, some in steps.items()
        ]
    for start in range(0, len(spans), _SPANS_AT_ONCE):
        some_spans = Q(*spans[start : start + _SPANS_AT_ONCE], _connector=Q.OR)
        yield from MetricsPoint.objects.filter(some_spans).order_by()


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
