"""Which jobs the list shows, as its address says it. Pure: a mapping of texts in, texts of addresses out.

What an address says wrongly counts as not said: a page shows something for any address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from jobs import ids
from jobs.states import ACTIVE, TERMINAL, Status

ACTIVE_ONES, ENDED_ONES = "active", "ended"
GROUPS = {ACTIVE_ONES: ACTIVE, ENDED_ONES: TERMINAL}
SIZES = (20, 50, 100)
NEWEST_FIRST = "-created_at"
MAX_TEXT = 200
# Columns of the list → how they are sorted by the first click: what one looks for comes first.
FIRST_ORDER = {
    "name": "name",
    "status": "status",
    "progress": "-progress",
    "training_loss": "training_loss",
    "validation_loss": "validation_loss",
    "cost": "-cost",
    "created_at": NEWEST_FIRST,
}


@dataclass(frozen=True)
class Query:
    """`status` is one of them, "active", "ended" or "" for all; `to` is the last day shown, in UTC like `from_`."""

    search: str = ""
    status: str = ""
    dataset: str = ""
    base_model: str = ""
    gpu: str = ""
    from_: date | None = None
    to: date | None = None
    sort: str = NEWEST_FIRST
    size: int = SIZES[0]

    @property
    def statuses(self) -> frozenset[Status]:
        """Those shown; none means all."""
        if self.status in GROUPS:
            return GROUPS[self.status]
        return frozenset({Status(self.status)} if self.status else ())

    @property
    def created_from(self) -> datetime | None:
        return _midnight(self.from_) if self.from_ else None

    @property
    def created_before(self) -> datetime | None:
        return _midnight(self.to) + timedelta(days=1) if self.to else None

    @property
    def narrowing(self) -> dict[str, Any]:
        """What leaves jobs out, without the status."""
        found = {name: getattr(self, name) for name in ("search", "dataset", "base_model", "gpu", "from_", "to")}
        return {name: value for name, value in found.items() if value}

    @property
    def is_narrowed(self) -> bool:
        return bool(self.narrowing or self.status)

    def address(self, **changes: Any) -> str:
        """The query string with these fields changed; page one of it. "?" alone where nothing is left to say."""
        changed = replace(self, **changes)
        said = {
            field.name.rstrip("_"): value
            for field in fields(Query)
            if (value := getattr(changed, field.name)) != field.default
        }
        return f"?{urlencode(said)}"

    def sorted_by(self, column: str) -> str:
        """`sort` after a click on a column's head: its own order first, then the other way round."""
        first = FIRST_ORDER[column]
        return _turned(first) if self.sort == first else first

    def direction(self, column: str) -> str:
        """ "ascending", "descending" or "" for a column by which the list is not sorted."""
        if self.sort.removeprefix("-") != column:
            return ""
        return "descending" if self.sort.startswith("-") else "ascending"


def parse(said: Mapping[str, str]) -> Query:
    """The query of an address."""

    def text(name: str) -> str:
        return str(said.get(name, "")).strip()[:MAX_TEXT]

    status, sort, size = text("status"), text("sort"), text("size")
    return Query(
        search=text("search"),
        status=status if status in GROUPS or status in set(Status) else "",
        dataset=str(ids.parsed(text("dataset")) or ""),
        base_model=text("base_model"),
        gpu=text("gpu"),
        from_=_day(text("from")),
        to=_day(text("to")),
        sort=sort if sort.removeprefix("-") in FIRST_ORDER else NEWEST_FIRST,
        size=next((each for each in SIZES if str(each) == size), SIZES[0]),
    )


def _turned(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 9999 else None  # a day before or after it has to be one as well


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
