"""Fewer points for a chart, without losing what people look for in it. Pure.

The rows are cut into buckets of equal size; of each bucket the rows stay in which a series has its smallest
and its largest value, for every series. So every spike of every series survives, at whatever zoom, and the
kept rows are real rows (no averages). Missing values are NaN and are never chosen.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MIN_POINTS = 50  # first, last, and both extremes of up to 24 series fit
_TRIES = 4


def extremes(series: list[Floats], max_points: int) -> Indices:
    """Which rows to keep: ascending indices, at most `max_points` of them (never under MIN_POINTS asked).

    `series` are equally long columns in row order. The first row, the last one, and the smallest and largest
    value of every series over the whole length are always kept. The same input gives the same output.
    """
    if max_points < MIN_POINTS:
        raise ValueError(f"max_points must be at least {MIN_POINTS}")
    length = len(series[0]) if series else 0
    if length <= max_points:
        return np.arange(length)
    varying = [column for column in series if not np.isnan(column).all()]
    buckets = max(1, (max_points - 2) // max(1, 2 * len(varying)))
    kept = _of_buckets(varying, length, buckets)
    # Series often peak in the same rows, and sparse ones leave buckets empty: use what that leaves over.
    for _ in range(_TRIES):
        more = buckets * max_points // len(kept)
        if more <= buckets:
            break
        finer = _of_buckets(varying, length, more)
        if len(finer) > max_points:
            break
        buckets, kept = more, finer
    return kept


def _of_buckets(series: list[Floats], length: int, buckets: int) -> Indices:
    """First row, last row, and the rows of each bucket's extremes, without repetitions."""
    width = -(-length // buckets)
    rows = -(-length // width)
    starts = np.arange(rows) * width
    picks = [np.array([0, length - 1])]
    for column in series:
        padded = np.full(rows * width, np.nan)
        padded[:length] = column
        table = padded.reshape(rows, width)
        missing = np.isnan(table)
        some = ~missing.all(axis=1)
        picks.append((starts + np.where(missing, np.inf, table).argmin(axis=1))[some])
        picks.append((starts + np.where(missing, -np.inf, table).argmax(axis=1))[some])
    return np.unique(np.concatenate(picks))
