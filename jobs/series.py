"""A job's points, ready for charts: read once, then only what changed, cut down to what a chart can show.

Reading 100,000 rows takes a good part of a second, and a page asks every few seconds. So each process keeps
the numbers of the jobs that are looked at: a row carries the `version` at which it last changed, and the
job carries the newest one; equal versions need no query, a newer one fetches just the changed rows. The
database stays the truth: a process without memory of a job reads all of it and says the same.

Whether somebody may see the job is decided before (jobs.selectors.visible_to).
"""

import math
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
_COLUMNS = ("id", "version", *_KEY, "epoch", *METRIC_NAMES)
_DTYPE = np.dtype([(name, np.int64) for name in _COLUMNS[:5]] + [(name, np.float64) for name in _COLUMNS[5:]])

Table = NDArray[np.void]


@dataclass(frozen=True)
class Chart:
    """`points` in the order of attempt, restart and step; `total` as stored; `next` continues with `since`."""

    points: list[dict[str, Any]]
    total: int
    next: int


@dataclass
class _Held:
    table: Table
    version: int = 0
    last_charts: dict[int, Chart] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: OrderedDict[uuid.UUID, _Held] = OrderedDict()
_held_lock = threading.Lock()


def chart(job: TrainingJob, *, since: int = 0, max_points: int = DEFAULT_POINTS) -> Chart:
    """The job's points, at most `max_points` (MIN_POINTS to MAX_POINTS), extremes of every metric kept.

    With `since` (a former answer's `next`) only rows that are new or changed since then.
    """
    held = _entry(job.id)
    with held.lock:
        _refresh(held, job)
        if since == 0 and max_points in held.last_charts:
            return held.last_charts[max_points]
        table = held.table if since == 0 else held.table[held.table["version"] > since]
        kept = table[downsample.extremes([table[name] for name in METRIC_NAMES], max_points)]
        answer = Chart(points=_as_points(kept), total=len(held.table), next=held.version)
        if since == 0:
            held.last_charts = {max_points: answer}
    _forget_the_oldest()
    return answer


def every_point(job: TrainingJob) -> Iterator[tuple[int | float | str | None, ...]]:
    """All stored points in order, each with the values of POINT_COLUMNS, in bounded memory."""
    points = MetricsPoint.objects.filter(job_id=job.id).order_by(*_KEY)
    for *values, time in points.values_list(*POINT_COLUMNS).iterator(chunk_size=2000):
        yield (*values, _iso(time))


def forget_all() -> None:
    """Drop what this process holds (benchmarks measure a cold start with it)."""
    with _held_lock:
        _held.clear()


def _entry(job_id: uuid.UUID) -> _Held:
    with _held_lock:
        held = _held.setdefault(job_id, _Held(np.empty(0, _DTYPE)))
        _held.move_to_end(job_id)
        return held


def _refresh(held: _Held, job: TrainingJob) -> None:
    if job.metrics_version <= held.version:
        return
    changed = MetricsPoint.objects.filter(job_id=job.id, version__gt=held.version)
    rows = changed.order_by(*_KEY).values_list(*_COLUMNS)
    fresh = np.array(list(rows), _DTYPE)
    if len(fresh):
        held.table = _merged(held.table, fresh)
    # A commit between reading the job and its points shows here; it must not be fetched again as "newer".
    held.version = max(job.metrics_version, int(fresh["version"].max(initial=0)))
    held.last_charts = {}


def _merged(old: Table, new: Table) -> Table:
    """Both, in key order; of equal keys the new row."""
    both = np.concatenate([old, new])
    if not len(old) or old[-1][list(_KEY)].item() < new[0][list(_KEY)].item():
        return both  # appended at the end: the usual case
    ordered = both[np.lexsort([both[name] for name in reversed(_KEY)])]  # stable: old before new
    is_last = np.ones(len(ordered), bool)
    is_last[:-1] = np.logical_or.reduce([ordered[name][1:] != ordered[name][:-1] for name in _KEY])
    return ordered[is_last]


def _as_points(table: Table) -> list[dict[str, Any]]:
    """Rows as JSON. Times, which nobody computes with, are read for these rows alone."""
    ids = table["id"].tolist()
    times = dict(MetricsPoint.objects.filter(id__in=ids).values_list("id", "timestamp").order_by())
    points = []
    for id, _, attempt, restart, step, *numbers in table.tolist():
        point: dict[str, Any] = {"attempt": attempt, "restart": restart, "step": step}
        point.update(
            (name, None if math.isnan(number) else number) for name, number in zip(_COLUMNS[5:], numbers, strict=True)
        )
        point["timestamp"] = _iso(times.get(id))
        points.append(point)
    return points


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _forget_the_oldest() -> None:
    """Drop the jobs not looked at for longest until the rest fits; never the one just used."""
    with _held_lock:
        size = sum(_ENTRY_OVERHEAD + len(held.table) for held in _held.values())
        while size > HELD_POINTS and len(_held) > 1:
            _, dropped = _held.popitem(last=False)
            size -= _ENTRY_OVERHEAD + len(dropped.table)
