"""A job's points, ready for charts: read once, then only what changed, cut down to what a chart can show.

Reading 100,000 rows takes a good part of a second, and a page asks every few seconds. So each process keeps
the numbers of the jobs that are looked at: a row carries the `version` at which it last changed, and the
job carries the newest one; equal versions need no query, a newer one fetches just the changed rows. The
database stays the truth: a process without memory of a job reads all of it and says the same.

Whether somebody may see the job is decided before (jobs.selectors.visible_to).
"""

import threading
import uuid
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from datasets.moments import moment
from jobs import downsample
from jobs.models import MetricsPoint, TrainingJob
from jobs.models.run import METRIC_NAMES

DEFAULT_POINTS = 1000
MIN_POINTS, MAX_POINTS = downsample.MIN_POINTS, 10_000
HELD_POINTS = 1_000_000  # per process, about 110 MB: more than a comparison of eight runs of 100,000 points
_ENTRY_OVERHEAD = 200  # an entry costs as much as so many points, however few it has

LAST_STEP = 2**63 - 1  # what the column can hold

_KEY = ("attempt", "restart", "step")


def columns(metrics: Sequence[str] = METRIC_NAMES) -> tuple[str, ...]:
    """The names of what `every_point` yields of these metrics."""
    return (*_KEY, "epoch", *metrics, "timestamp")


POINT_COLUMNS = columns()
_NUMBERS = POINT_COLUMNS[:-1]
_SHOWN = (*POINT_COLUMNS, "superseded", "stands_for", "means")
# Noisy from step to step, so that their smoothed course needs the mean of what is left out.
AVERAGED = ("training_loss", "gradient_norm", "throughput", "gpu_utilization")
_MEAN_DIGITS = 6
_HELD_COLUMNS = ("id", "version", *_NUMBERS)
_TYPES = [np.int64 if name in {"id", "version", *_KEY} else np.float64 for name in _HELD_COLUMNS]
_CHUNK = 2000

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Chart:
    """`points` in the order of attempt, restart and step; `total` as stored; `next` continues with `since`.

    A point is `superseded` if a later restart or attempt trained its step again: no part of the curve that counts.
    Where points were left out, one `stands_for` so many stored ones: those since the one before it, and itself; its
    `means` are the means over them of the metrics in AVERAGED, superseded ones apart. `matching` counts the stored
    points that were asked for, by steps and `since`. How many are superseded is told of `total` and of `matching`.
    """

    points: list[dict[str, Any]]
    total: int
    next: int
    matching: int
    superseded: int
    matching_superseded: int


@dataclass(frozen=True)
class Steps:
    """A range of steps, both ends included."""

    first: int = 0
    last: int = LAST_STEP


EVERY_STEP = Steps()


@dataclass
class _Held:
    table: Table
    version: int = 0
    last_chart: tuple[int, Chart] | None = None
    times: dict[int, str | None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Memory:
    """The numbers of the jobs last looked at, up to `capacity` points in all. Any thread may ask."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: OrderedDict[uuid.UUID, _Held] = OrderedDict()
        self._lock = threading.Lock()

    def chart(
        self, job: TrainingJob, *, since: int = 0, max_points: int = DEFAULT_POINTS, steps: Steps = EVERY_STEP
    ) -> Chart:
        """See jobs.series.chart."""
        held = self._entry(job.id)
        with held.lock:
            _refresh(held, job)
            is_whole = since == 0 and steps == EVERY_STEP
            if is_whole and held.last_chart and held.last_chart[0] == max_points:
                return held.last_chart[1]
            table = held.table if is_whole else _chosen(held.table, since, steps)
            kept = downsample.extremes([table[name] for name in METRIC_NAMES], max_points)
            answer = Chart(
                points=_as_points(_rows(table, kept), _stood_for(table, kept), held.times),
                total=len(held.table["id"]),
                next=held.version,
                matching=len(table["id"]),
                superseded=int(held.table["superseded"].sum()),
                matching_superseded=int(table["superseded"].sum()),
            )
            if is_whole:
                held.last_chart = max_points, answer
        self._forget_the_oldest()
        return answer

    def counting(self, job: TrainingJob, name: str, *, last: int | None = None) -> list[tuple[int, float]]:
        """See jobs.series.counting."""
        held = self._entry(job.id)
        with held.lock:
            _refresh(held, job)
            chosen = np.flatnonzero(~held.table["superseded"] & ~np.isnan(held.table[name]))
            chosen = chosen if last is None else chosen[-last:]
            steps, values = held.table["step"][chosen].tolist(), held.table[name][chosen].tolist()
        self._forget_the_oldest()
        return list(zip(steps, values, strict=True))

    def _entry(self, job_id: uuid.UUID) -> _Held:
        with self._lock:
            held = self._held.setdefault(job_id, _Held(_marked(_table(()))))
            self._held.move_to_end(job_id)
            return held

    def _forget_the_oldest(self) -> None:
        """Drop the jobs not looked at for longest until the rest fits; never the one just used."""
        with self._lock:
            size = sum(_ENTRY_OVERHEAD + len(held.table["id"]) for held in self._held.values())
            while size > self._capacity and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                size -= _ENTRY_OVERHEAD + len(dropped.table["id"])


_memory = Memory(HELD_POINTS)


def chart(job: TrainingJob, *, since: int = 0, max_points: int = DEFAULT_POINTS, steps: Steps = EVERY_STEP) -> Chart:
    """The job's points, at most `max_points` (MIN_POINTS to MAX_POINTS), extremes of every metric kept.

    With `since` (a former answer's `next`) only rows that are new or changed since then; with `steps` only those of
    the range, as finely as `max_points` lets them be: their own extremes are kept.
    """
    return _memory.chart(job, since=since, max_points=max_points, steps=steps)


def counting(job: TrainingJob, name: str, *, last: int | None = None) -> list[tuple[int, float]]:
    """(step, value) of a metric where it has one, in order, without superseded points; of `last`, that many newest."""
    return _memory.counting(job, name, last=last)


def every_point(
    job: TrainingJob, steps: Steps = EVERY_STEP, *, metrics: Sequence[str] = METRIC_NAMES
) -> Iterator[tuple[int | float | str | None, ...]]:
    """All stored points of the steps in order, each with its `columns`, in bounded memory.

    Of some of the metrics: the points alone that have a value of any.
    """
    points = MetricsPoint.objects.filter(job_id=job.id).order_by(*_KEY)
    if steps != EVERY_STEP:
        points = points.filter(step__gte=steps.first, step__lte=steps.last)
    if set(metrics) != set(METRIC_NAMES):
        points = points.filter(reduce(or_, (Q((f"{name}__isnull", False)) for name in metrics)))
    for *values, time in points.values_list(*columns(metrics)).iterator(chunk_size=_CHUNK):
        yield (*values, time and moment(time))


def last_points(job: TrainingJob, count: int) -> list[tuple[int | float | str | None, ...]]:
    """The last `count` of `every_point`."""
    points = MetricsPoint.objects.filter(job_id=job.id).order_by(*(f"-{name}" for name in _KEY))
    rows = points.values_list(*POINT_COLUMNS)[:count]
    return [(*values, time and moment(time)) for *values, time in reversed(rows)]


def _refresh(held: _Held, job: TrainingJob) -> None:
    if job.metrics_version <= held.version:
        return
    rows = MetricsPoint.objects.filter(job_id=job.id).order_by(*_KEY).values_list(*_HELD_COLUMNS)
    # All of them come from an index in this order, in pieces; a few changed ones at once.
    fresh = _table(rows.filter(version__gt=held.version) if held.version else rows.iterator(chunk_size=_CHUNK))
    if len(fresh["id"]):
        held.table = _marked(_merged(held.table, fresh))
    if held.times:
        for id in fresh["id"].tolist():
            held.times.pop(id, None)
    # A commit between reading the job and its points shows here; it must not be fetched again as "newer".
    held.version = max(job.metrics_version, int(fresh["version"].max(initial=0)))
    held.last_chart = None


def _table(rows: Iterable[tuple[Any, ...]]) -> Table:
    """Rows of _HELD_COLUMNS as columns; a missing number is NaN. Never holds many rows as Python objects."""
    parts, remaining = [], iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        parts.append([np.array(column, type) for column, type in zip(zip(*chunk, strict=True), _TYPES, strict=True)])
    columns = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)] or [np.empty(0, t) for t in _TYPES]
    return dict(zip(_HELD_COLUMNS, columns, strict=True))


def _rows(table: Table, chosen: NDArray[Any]) -> Table:
    return {name: column[chosen] for name, column in table.items()}


def _chosen(table: Table, since: int, steps: Steps) -> Table:
    numbers = table["step"]
    return _rows(table, (table["version"] > since) & (numbers >= steps.first) & (numbers <= steps.last))


def _merged(old: Table, new: Table) -> Table:
    """Both, in key order; of equal keys the new row. What comes before all new rows is not looked at."""
    first = [new[name][0] for name in _KEY]
    start = bisect_left(range(len(old["id"])), first, key=lambda row: [old[name][row] for name in _KEY])
    if start == len(old["id"]):  # appended at the end: the usual case
        return {name: np.concatenate([old[name], new[name]]) for name in _HELD_COLUMNS}
    both = {name: np.concatenate([old[name][start:], new[name]]) for name in _HELD_COLUMNS}
    ordered = _rows(both, np.lexsort([both[name] for name in reversed(_KEY)]))  # stable: old before new
    is_last = np.ones(len(ordered["id"]), bool)
    is_last[:-1] = np.logical_or.reduce([ordered[name][1:] != ordered[name][:-1] for name in _KEY])
    return {name: np.concatenate([old[name][:start], ordered[name][is_last]]) for name in _HELD_COLUMNS}


def _marked(table: Table) -> Table:
    """With the column `superseded`. Restarts are few, so the loop is short however many points there are."""
    superseded = np.zeros(len(table["id"]), bool)
    attempts, restarts, steps = (table[name] for name in _KEY)
    changes = np.flatnonzero((attempts[1:] != attempts[:-1]) | (restarts[1:] != restarts[:-1])) + 1
    end, taken_over_at = len(steps), LAST_STEP
    for start in reversed([0, *changes.tolist()]):
        if end < len(steps):
            taken_over_at = min(taken_over_at, int(steps[end]))
            superseded[start:end] = steps[start:end] >= taken_over_at
        end = start
    return {**table, "superseded": superseded}


def _stood_for(table: Table, kept: NDArray[np.int64]) -> tuple[list[int], list[dict[str, float | None] | None]]:
    """Counts and means of what the kept rows stand for; a row that stands for itself alone needs no mean."""
    counts: list[int] = downsample.counts(kept).tolist()
    if len(kept) == len(table["id"]):
        return counts, [None] * len(counts)
    counted = [table[name] for name in AVERAGED]
    if table["superseded"].any():
        counted = [np.where(table["superseded"], np.nan, column) for column in counted]
    columns = [downsample.means(column, kept) for column in counted]
    rows = zip(*(_with_none(_rounded(column)) for column in columns), strict=True)
    means = [dict(zip(AVERAGED, row, strict=True)) for row in rows]
    return counts, [each if count > 1 else None for each, count in zip(means, counts, strict=True)]


def _rounded(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """To so many digits as a chart can show: a mean's many others would be most of an answer's bytes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(column == 0, 0.0, np.floor(np.log10(np.abs(column))))
        shift = 10.0 ** (_MEAN_DIGITS - 1 - size)
        rounded: NDArray[np.float64] = np.where(
            np.isfinite(shift) & (shift > 0), np.round(column * shift) / shift, column
        )
    return rounded


def _as_points(
    table: Table,
    stood_for: tuple[list[int], list[dict[str, float | None] | None]],
    times: dict[int, str | None],
) -> list[dict[str, Any]]:
    """Rows as JSON. Times, which nobody computes with, are read for these rows alone and kept in `times`."""
    ids: list[int] = table["id"].tolist()
    if len(times) > 2 * MAX_POINTS:
        times.clear()
    if unread := [id for id in ids if id not in times]:
        rows = MetricsPoint.objects.filter(id__in=unread).order_by().values_list("id", "timestamp")
        times.update((id, moment(time) if time else None) for id, time in rows)
    columns = [*(_with_none(table[name]) for name in _NUMBERS), [times.get(id) for id in ids]]
    columns += [table["superseded"].tolist(), *stood_for]
    return [dict(zip(_SHOWN, values, strict=True)) for values in zip(*columns, strict=True)]


def _with_none(column: NDArray[Any]) -> list[Any]:
    values: list[Any] = column.tolist()
    if not np.isnan(column).any():
        return values
    return [None if value != value else value for value in values]  # NaN alone differs from itself
