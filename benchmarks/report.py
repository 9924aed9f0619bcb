"""Measured values in words: quantiles and a table on standard output."""

import statistics
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0-1) of the values lie; the inclusive method."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """Median, 95th percentile and worst of seconds, as "p50 … p95 … max … ms"."""
    middle, high, worst = statistics.median(values), quantile(values, 0.95), max(values)
    return f"p50 {middle * scale:.1f}  p95 {high * scale:.1f}  max {worst * scale:.1f} {unit}  (n={len(values)})"


def row(goal: str, what: str, figure: str, yardstick: str = "") -> None:
    """Print one line: which goal, what was measured, the figure, and what it is held against."""
    print(f"{goal:<7} {what:<52} {figure:<58} {yardstick}", flush=True)
