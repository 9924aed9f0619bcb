"""The days that a report on costs looks at, and those before them that it is compared with. Pure.

Days and months are UTC's: a bill belongs to the day on which it was written (`CostRecord.recorded_at`).
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

RANGES = {
    "this-month": "This month",
    "last-month": "Last month",
    "3-months": "Last 3 months",
    "12-months": "Last 12 months",
    "custom": "Custom dates",
}
DEFAULT_RANGE = "this-month"
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
MOST_DAYS = 3660
# Up to here a plot has a bar for each day.
DAYS_PLOTTED = 62

_MONTHS_BACK = {"this-month": 0, "3-months": 2, "12-months": 11}


class BadDates(ValueError):
    """Dates that make no range; `problems` is {"from" or "to": what to do}."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Days:
    """From the first to the last day, both included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time.min, UTC)

    @property
    def end(self) -> datetime:
        """The moment at which the last day is over."""
        return datetime.combine(self.last + timedelta(days=1), time.min, UTC)

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    def part(self, first: date, unit: str) -> "Days":
        """What lies in the "day" or "month" that begins with `first`."""
        last = first if unit == "day" else _end_of_month(first)
        return Days(max(first, self.first), min(last, self.last))

    def __str__(self) -> str:
        """ "1 to 28 Nov 2026", "3 Oct to 2 Nov 2026", "1 Dec 2025 to 28 Nov 2026"."""
        last = f"{self.last.day} {self.last:%b %Y}"
        if self.first == self.last:
            return last
        if (self.first.year, self.first.month) == (self.last.year, self.last.month):
            return f"{self.first.day} to {last}"
        year = "" if self.first.year == self.last.year else f" {self.first.year}"
        return f"{self.first.day} {self.first:%b}{year} to {last}"


@dataclass(frozen=True)
class Span:
    """`key` is one of RANGES; `before` is what `days` are compared with."""

    key: str
    days: Days
    before: Days


def span(key: str = DEFAULT_RANGE, *, today: date, first: date | None = None, last: date | None = None) -> Span:
    """The span of a range of RANGES; `first` and `last` are for custom dates. Raises BadDates.

    A month that is not over is compared with the same days of the month before, a whole one with the whole one before,
    custom dates with as many days just before them.
    """
    if key == "custom":
        return _custom(first, last)
    if key == "last-month":
        end = today.replace(day=1) - timedelta(days=1)
        days = Days(end.replace(day=1), end)
        return Span(key, days, Days(_back(days.first, 1), days.first - timedelta(days=1)))
    months = _MONTHS_BACK[key]
    days = Days(_back(today.replace(day=1), months), today)
    return Span(key, days, Days(_back(days.first, months + 1), _back(today, months + 1)))


def unit(days: Days) -> str:
    """ "day" or "month": what a bar of a plot stands for."""
    return "day" if days.count <= DAYS_PLOTTED else "month"


def steps(days: Days, unit: str) -> list[Days]:
    """The days in pieces of one unit, the first and last cut where the range begins and ends."""
    found = []
    at = days.first
    while at <= days.last:
        end = at if unit == "day" else _end_of_month(at)
        found.append(Days(at, min(end, days.last)))
        at = end + timedelta(days=1)
    return found


def _custom(first: date | None, last: date | None) -> Span:
    problems = {
        name: "Enter a date, such as 2026-11-01." for name, day in (("from", first), ("to", last)) if day is None
    }
    if first is None or last is None:
        raise BadDates(problems)
    if not EARLIEST <= first <= LATEST:
        raise BadDates({"from": "Choose a date between 2000 and 2999."})
    if last < first:
        raise BadDates({"to": "Choose a day that is not before the first one."})
    days = Days(first, last)
    if days.count > MOST_DAYS:
        raise BadDates({"to": "Choose at most ten years."})
    return Span("custom", days, Days(first - timedelta(days=days.count), first - timedelta(days=1)))


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _back(day: date, months: int) -> date:
    """The same day so many months earlier, or the last one of that month."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=years, month=month + 1, day=min(day.day, monthrange(years, month + 1)[1]))
