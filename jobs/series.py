"""A job's points, ready for charts: read once, then only what changed, cut down to what a chart can show.

Reading 100,000 rows takes a good part of a second, and a page asks every few seconds. So each process keeps
the numbers of the jobs that are looked at: a row carries the `version` at which it last changed, and the
job carries the newest one; equal versions need no query, a newer one fetches just the changed rows. The
database stays the truth: a process without memory of a job reads all of it and says the same.

Whether somebody may see the job is decided before (jobs.selectors.visible_to).
"""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs import downsample
from jobs.models import MetricsPoint, TrainingJob
from jobs.models.run import METRIC_NAMES

DEFAULT_POINTS = 1000
MIN_POINTS, MAX_POINTS = downsample.MIN_POINTS, 10_000
HELD_POINTS = 500_000  # per process, about 50 MB
_ENTRY_OVERHEAD = 200  # an entry costs as much as so many points, however few it has

POINT_COLUMNS = ("attempt", "restart", "step", "epoch", *METRIC_NAMES, "timestamp")
_KEY = POINT_COLUMNS[:3]
_NUMBERS = POINT_COLUMNS[:-1]
_SHOWN = (*POINT_COLUMNS, "superseded")
_NEVER = 2**63 - 1
_HELD_COLUMNS = ("id", "version", *_NUMBERS)
_TYPES = [np.int64 if name in {"id", "version", *_KEY} else np.float64 for name in _HELD_COLUMNS]
_CHUNK = 2000

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Chart:
    """`points` in the order of attempt, restart and step; `total` as stored; `next` continues with `since`.

    A point is `superseded` if a later restart or attempt trained its step again: no part of the curve that counts.
    """

    points: list[dict[str, Any]]
    total: int
    next: int


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

    def chart(self, job: TrainingJob, *, since: int = 0, max_points: int = DEFAULT_POINTS) -> Chart:
        """See jobs.series.chart."""
        held = self._entry(job.id)
        with held.lock:
            _refresh(held, job)
            if since == 0 and held.last_chart and held.last_chart[0] == max_points:
                return held.last_chart[1]
            table = held.table if since == 0 else _rows(held.table, held.table["version"] > since)
            kept = _rows(table, downsample.extremes([table[name] for name in METRIC_NAMES], max_points))
            answer = Chart(points=_as_points(kept, held.times), total=len(held.table["id"]), next=held.version)
            if since == 0:
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


def chart(job: TrainingJob, *, since: int = 0, max_points: int = DEFAULT_POINTS) -> Chart:
    """The job's points, at most `max_points` (MIN_POINTS to MAX_POINTS), extremes of every metric kept.

    With `since` (a former answer's `next`) only rows that are new or changed since then.
    """
    return _memory.chart(job, since=since, max_points=max_points)


def counting(job: TrainingJob, name: str, *, last: int | None = None) -> list[tuple[int, float]]:
    """(step, value) of a metric where it has one, in order, without superseded points; of `last`, that many newest."""
    return _memory.counting(job, name, last=last)


def every_point(job: TrainingJob) -> Iterator[tuple[int | float | str | None, ...]]:
    """All stored points in order, each with the values of POINT_COLUMNS, in bounded memory."""
    points = MetricsPoint.objects.filter(job_id=job.id).order_by(*_KEY)
    for *values, time in points.values_list(*POINT_COLUMNS).iterator(chunk_size=_CHUNK):
        yield (*values, _iso(time))


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


def _merged(old: Table, new: Table) -> Table:
    """Both, in key order; of equal keys the new row."""
    both = {name: np.concatenate([old[name], new[name]]) for name in _HELD_COLUMNS}
    if not len(old["id"]) or [old[name][-1] for name in _KEY] < [new[name][0] for name in _KEY]:
        return both  # appended at the end: the usual case
    ordered = _rows(both, np.lexsort([both[name] for name in reversed(_KEY)]))  # stable: old before new
    is_last = np.ones(len(ordered["id"]), bool)
    is_last[:-1] = np.logical_or.reduce([ordered[name][1:] != ordered[name][:-1] for name in _KEY])
    return _rows(ordered, is_last)


def _marked(table: Table) -> Table:
    """With the column `superseded`. Restarts are few, so the loop is short however many points there are."""
    superseded = np.zeros(len(table["id"]), bool)
    attempts, restarts, steps = (table[name] for name in _KEY)
    changes = np.flatnonzero((attempts[1:] != attempts[:-1]) | (restarts[1:] != restarts[:-1])) + 1
    end, taken_over_at = len(steps), _NEVER
    for start in reversed([0, *changes.tolist()]):
        if end < len(steps):
            taken_over_at = min(taken_over_at, int(steps[end]))
            superseded[start:end] = steps[start:end] >= taken_over_at
        end = start
    return {**table, "superseded": superseded}


def _as_points(table: Table, times: dict[int, str | None]) -> list[dict[str, Any]]:
    """Rows as JSON. Times, which nobody computes with, are read for these rows alone and kept in `times`."""
    ids: list[int] = table["id"].tolist()
    if len(times) > 2 * MAX_POINTS:
        times.clear()
    if unread := [id for id in ids if id not in times]:
        rows = MetricsPoint.objects.filter(id__in=unread).order_by().values_list("id", "timestamp")
        times.update((id, _iso(time)) for id, time in rows)
    columns = [*(_with_none(table[name]) for name in _NUMBERS), [times.get(id) for id in ids]]
    columns.append(table["superseded"].tolist())
    return [dict(zip(_SHOWN, values, strict=True)) for values in zip(*columns, strict=True)]


def _with_none(column: NDArray[Any]) -> list[Any]:
    values: list[Any] = column.tolist()
    return [None if value != value else value for value in values]  # NaN alone differs from itself


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None
