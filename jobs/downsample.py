"""Fewer points for a chart, without losing what people look for in it. Pure.

The rows are cut into buckets of equal size; of each bucket the rows stay in which a series has its smallest
and its largest value, for every series. So every spike of every series survives, at whatever zoom, and the
kept rows are real rows (no averages). Missing values are NaN and are never chosen.

Rows come one after the other, and a chart is asked for again after each of them. So buckets begin where they began
before, and of a curve that has grown only its last one is another.

A curve of extremes alone says nothing of what is usual, so each kept row can also be told what it stands for: the
number and the mean of all rows since the kept one before it. An average over these is (nearly) one over all rows.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MIN_POINTS = 50  # first, last, and both extremes of up to 24 series fit
_TRIES = 3
_min_max = MinMaxDownsampler()  # type: ignore[no-untyped-call]


def extremes(series: Sequence[Floats], max_points: int) -> Indices:
    """Which rows to keep: ascending indices, at most `max_points` (MIN_POINTS or more) of them.

    `series` are equally long, contiguous columns in row order. The first row, the last one, and the smallest
    and largest value of every series over the whole length are always kept. Same input, same output.
    """
    if max_points < MIN_POINTS:
        raise ValueError(f"max_points must be at least {MIN_POINTS}")
    length = len(series[0]) if series else 0
    if length <= max_points:
        return np.arange(length)
    known = [column for column in series if not np.isnan(column).all()]
    buckets = (max_points - 2) // max(1, 2 * len(known))
    size = _size(length, buckets)
    kept = _of_buckets(known, length, size)
    # Series often peak in the same rows, and sparse ones leave buckets empty: use what that leaves over.
    for _ in range(_TRIES):
        buckets = buckets * max_points // len(kept)
        finer_size = _size(length, buckets)
        if finer_size == size:
            break
        finer = _of_buckets(known, length, finer_size)
        if not len(kept) < len(finer) <= max_points:
            break
        kept, size = finer, finer_size
    return kept


def counts(kept: Indices) -> Indices:
    """For each kept row, how many rows it stands for: those since the kept one before it, itself among them."""
    return np.diff(kept, prepend=-1)


def means(column: Floats, kept: Indices) -> Floats:
    """For each kept row, the mean of what it stands for; NaN where nothing of that has a value.

    `kept` are ascending indices of rows of `column`, at least one.
    """
    column = column[: kept[-1] + 1]
    known = ~np.isnan(column)
    starts = np.concatenate([[0], kept[:-1] + 1])
    if known.all():
        whole: Floats = np.add.reduceat(column, starts) / counts(kept)
        return whole
    sums = np.add.reduceat(np.where(known, column, 0.0), starts)
    amounts = np.add.reduceat(known.astype(np.int64), starts)
    found: Floats = np.divide(sums, amounts, out=np.full(len(kept), np.nan), where=amounts > 0)
    return found


def _size(length: int, buckets: int) -> int:
    """How many rows a bucket has, where there may be so many buckets.

    Rounded up to five binary digits: while rows are added it stays the same for long.
    """
    size = -(-(length - 1) // buckets)
    step = 1 << max(0, size.bit_length() - 5)
    return -(-size // step) * step


def _of_buckets(series: Sequence[Floats], length: int, size: int) -> Indices:
    """First row, last row, and the rows of each bucket's extremes, without repetitions.

    The first bucket has a row more, as the library cuts; the last one has what is left.
    """
    full = (length - 1) // size
    left = full * size + 1 if full else 0
    pieces = [piece for piece in ((0, left, full), (left, length, 1)) if piece[0] < piece[1]]
    picks = [np.array([0, length - 1])]
    for column in series:
        for start, end, buckets in pieces:
            rows = _min_max.downsample(column[start:end], n_out=2 * buckets).astype(np.int64) + start
            picks.append(rows[~np.isnan(column[rows])])  # a bucket without values still names a row
    return np.unique(np.concatenate(picks))
