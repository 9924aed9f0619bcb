"""What a run costs. Pure.

Cost = price per GPU and hour x GPUs x billable hours, in decimal arithmetic, rounded half up to cents per
attempt; a job costs the sum of its attempts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
# A figure beyond this is a fault of the cluster's, not a bill (and would not fit a column).
MAX_BILLABLE_SECONDS = timedelta(days=3650).total_seconds()


@dataclass(frozen=True)
class BillableTime:
    """`source`: cluster (its billing figure), timestamps (its own start and end) or observed (our clock: an
    estimate). `final`: it will not change any more."""

    seconds: float
    source: str
    final: bool

    @property
    def is_estimate(self) -> bool:
        return self.source == "observed"


def amount(*, price_per_hour: Decimal | None, gpu_count: int, billable_seconds: float) -> Decimal:
    """Dollars, in whole cents. No price counts as 0."""
    if price_per_hour is None:
        return Decimal("0.00")
    hours = Decimal(str(billable_seconds)) / 3600
    return (price_per_hour * gpu_count * hours).quantize(CENT, rounding=ROUND_HALF_UP)


def cents(value: Decimal | None) -> Decimal:
    """A sum as a database gives it: None of no rows, and on SQLite with the dust of floating point."""
    return Decimal("0.00") if value is None else value.quantize(CENT, rounding=ROUND_HALF_UP)


def middle(low: Decimal, high: Decimal) -> Decimal:
    """The amount halfway between two, in whole cents."""
    return ((low + high) / 2).quantize(CENT, rounding=ROUND_HALF_UP)


def billable_time(
    *,
    billed_seconds: float | None = None,
    billing_final: bool = False,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
    heartbeat_at: datetime | None = None,
    seen_running_at: datetime | None = None,
    seen_until: datetime | None = None,
) -> BillableTime:
    """Billable time from the best source there is.

    `billed_seconds` is the cluster's own figure; `started_at`, `ended_at` and `heartbeat_at` its clock;
    `seen_running_at` and `seen_until` ours. Times are only ever subtracted within one clock. A negative or
    absurd difference falls through to the next source.
    """
    if billed_seconds is not None and 0 <= billed_seconds <= MAX_BILLABLE_SECONDS:
        return BillableTime(billed_seconds, "cluster", billing_final)
    for end, final in ((ended_at, True), (heartbeat_at, False)):
        if started_at is not None and end is not None:
            seconds = (end - started_at).total_seconds()
            if 0 <= seconds <= MAX_BILLABLE_SECONDS:
                return BillableTime(seconds, "timestamps", final)
    if seen_running_at is not None and seen_until is not None:
        seconds = (seen_until - seen_running_at).total_seconds()
        return BillableTime(min(max(seconds, 0.0), MAX_BILLABLE_SECONDS), "observed", False)
    return BillableTime(0.0, "observed", False)
