"""The shape of a loss curve in a few numbers, kept on the job: lists draw it without reading a single point. Pure.

An outline is plain data: {"run": [attempt, restart], "width": steps per bucket, "first": [step, loss], "last": [step,
loss], "buckets": [[index, values, mean, lowest, highest], …]}, buckets by rising index, at most MAX_BUCKETS of them; a
bucket whose points have no loss is [index, 0]: a gap. {} is the outline of no points. Each new point costs the same
however many there were: where buckets get too many, the width doubles and neighbours become one.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

MAX_BUCKETS = 32
# attempt, restart, step, loss; without a loss: the run told of the step but had no number for its loss
Told = tuple[int, int, int, float | None]


def extend(outline: Mapping[str, Any], told: Iterable[Told]) -> dict[str, Any]:
    """The outline with further points, each told once.

    A later attempt or restart replaces, from its first step on, what came before it; the bucket in which it begins
    keeps what it had. What still comes of an earlier one is left out.
    """
    run: list[int] = list(outline.get("run", [0, 0]))
    width: int = outline.get("width", 1)
    first, last = outline.get("first"), outline.get("last")
    buckets: dict[int, list[Any]] = {bucket[0]: list(bucket) for bucket in outline.get("buckets", ())}
    for of_run, points in groupby(sorted(told, key=lambda point: point[:3]), key=lambda point: list(point[:2])):
        if of_run < run:
            continue
        for number, (_, _, step, loss) in enumerate(points):
            if number == 0 and of_run > run:
                run = of_run
                buckets = {index: bucket for index, bucket in buckets.items() if index * width < step}
                first, last = (known if known and known[0] < step else None for known in (first, last))
            _add(buckets.setdefault(step // width, [step // width, 0]), loss)
            if loss is not None:
                first = [step, loss] if first is None or step < first[0] else first
                last = [step, loss] if last is None or step >= last[0] else last
        while len(buckets) > MAX_BUCKETS:
            width *= 2
            buckets = _paired(buckets)
    if not buckets:
        return {}
    kept = [_rounded(buckets[index]) for index in sorted(buckets)]
    return {"run": run, "width": width, "first": first, "last": last, "buckets": kept}


def _add(bucket: list[Any], loss: float | None) -> None:
    if loss is not None:
        _merge(bucket, [bucket[0], 1, loss, loss, loss])


def _merge(bucket: list[Any], other: list[Any]) -> None:
    if not other[1]:
        return
    if not bucket[1]:
        bucket[1:] = other[1:]
        return
    _, count, mean, low, high = bucket
    both = count + other[1]
    bucket[1:] = [both, mean * (count / both) + other[2] * (other[1] / both), min(low, other[3]), max(high, other[4])]


def _paired(buckets: dict[int, list[Any]]) -> dict[int, list[Any]]:
    """The same in buckets twice as wide."""
    pairs: dict[int, list[Any]] = {}
    for index, bucket in buckets.items():
        _merge(pairs.setdefault(index // 2, [index // 2, 0]), bucket)
    return pairs


def _rounded(bucket: list[Any]) -> list[Any]:
    return [*bucket[:2], *(float(f"{value:.6g}") for value in bucket[2:])]
