"""Figures of a span, of somebody's own jobs; the database adds up, so that ten thousand bills are as good as ten.

A bill (`CostRecord`) is written when an attempt has ended. What jobs cost that still run is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, FloatField, IntegerField, Q, QuerySet, Sum, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Greatest

from jobs import costs, selectors
from jobs.ledger.expressions import First, detail
from jobs.ledger.span import Days, Span
from jobs.models import CostRecord, JobEvent
from jobs.states import ACTIVE, Status

# What bills can be added up by, and the words for it.
GROUPS = {
    "month": "Month",
    "day": "Day",
    "job": "Job",
    "gpu": "GPU type",
    "dataset": "Dataset",
    "model": "Base model",
}
DEFAULT_GROUP = "month"
SORTS = ("name", "cost", "jobs", "seconds")
UNKNOWN_GPU = "Unknown"
FORGOTTEN_SHOWN = 5

_GPU = Coalesce(detail("gpu_type"), Value(UNKNOWN_GPU), output_field=TextField())
_KEYS: dict[str, Any] = {
    "month": First("recorded_at", of="month"),
    "day": First("recorded_at", of="day"),
    "job": F("job_id"),
    "gpu": _GPU,
    "dataset": F("job__dataset_id"),
    "model": F("job__base_model__name"),
}
_NAMES: dict[str, Any] = {"job": F("job__name"), "dataset": F("job__dataset__name")}
_MORE: dict[str, dict[str, Any]] = {
    "job": {"status": F("job__status")},
    "dataset": {"deleted_at": F("job__dataset__deleted_at")},
}
_SECONDS = Cast(KT("details__billable_seconds"), FloatField()) * Cast(KT("details__gpu_count"), IntegerField())
_OBSERVED = Q(details__billing_source="observed")
_SUMS: dict[str, Any] = {
    "cost": Sum("amount"),
    "failed": Sum("amount", filter=Q(job__status=Status.FAILED)),
    "cancelled": Sum("amount", filter=Q(job__status=Status.CANCELLED)),
    "observed": Sum("amount", filter=_OBSERVED),
    "jobs": Count("job_id", distinct=True),
    "unpriced": Count("pk", filter=Q(details__priced=False)),
    "seconds": Sum(_SECONDS),
}


@dataclass(frozen=True)
class Figures:
    """Dollars in whole cents. `failed` and `cancelled` are of jobs that ended so, `observed` is estimated by our own
    clock; all three are parts of `cost`. `jobs` counts jobs, `seconds` are of single GPUs, `unpriced` bills of GPUs
    without a price (they count 0)."""

    cost: Decimal
    failed: Decimal
    cancelled: Decimal
    observed: Decimal
    jobs: int
    unpriced: int
    seconds: float

    @property
    def without_result(self) -> Decimal:
        return self.failed + self.cancelled

    @property
    def basis(self) -> str:
        """Whose word it is, in words."""
        if not self.cost and self.unpriced:
            return "No price"
        if not self.observed:
            return "Cluster's figures"
        return "Estimate" if self.observed == self.cost else "Partly estimate"


@dataclass(frozen=True)
class Line:
    """One row of a group. `key` is an id, a date or a name; `share` is its part of the total, 0 to 1, None of 0."""

    key: Any
    name: str
    figures: Figures
    share: float | None
    status: str = ""
    is_gone: bool = False  # a dataset that was deleted
    days: Days | None = None  # of a month or a day

    @property
    def percent(self) -> float | None:
        return None if self.share is None else 100 * self.share


@dataclass(frozen=True)
class Running:
    """Active jobs: `so_far` is what they cost and is not billed yet, `projected` what they may cost in all that is not
    billed yet; `unknown` of them have no estimate."""

    jobs: int
    so_far: Decimal
    projected: Decimal | None
    unknown: int


@dataclass(frozen=True)
class Totals:
    """The span's figures, and what was spent in the span before."""

    now: Figures
    before: Decimal
    running: Running

    @property
    def change(self) -> float | None:
        """How much more was spent than before, -1 to infinity; None where nothing was spent before."""
        return float((self.now.cost - self.before) / self.before) if self.before else None

    @property
    def change_in_words(self) -> str:
        """ "12% more", "0.4% less", "as much"; empty where nothing was spent before."""
        if self.change is None or not self.change:
            return "" if self.change is None else "as much"
        size = 100 * abs(self.change)
        return f"{size:,.{1 if size < 10 else 0}f}% {'more' if self.change > 0 else 'less'}"


def bills(user: User, days: Days) -> QuerySet[CostRecord]:
    """The bills of these days, newest first."""
    return selectors.cost_list(user, recorded_from=days.start, recorded_to=days.end).select_related(None)


def totals(user: User, span: Span) -> Totals:
    """Four queries."""
    return Totals(
        now=_figures(bills(user, span.days).order_by().aggregate(**_SUMS)),
        before=selectors.cost_total(bills(user, span.before)),
        running=_running(user),
    )


def lines(user: User, days: Days, group: str, *, sort: str = "-cost") -> QuerySet[Any, dict[str, Any]]:
    """Rows of a group of GROUPS, to be cut into pages and then read by `line`. `sort` is one of SORTS, "-" reverses."""
    named = {"key": _KEYS[group], "name": _NAMES.get(group, _KEYS[group]), **_MORE.get(group, {})}
    rows: QuerySet[Any, Any] = bills(user, days).order_by().annotate(**named).values(*named)
    field = F(sort.removeprefix("-"))
    order = field.desc(nulls_last=True) if sort.startswith("-") else field.asc(nulls_last=True)
    found: QuerySet[Any, dict[str, Any]] = rows.annotate(**_SUMS).order_by(order, "key")
    return found


def line(row: dict[str, Any], days: Days, group: str, total: Decimal) -> Line:
    """A row of `lines` as it is shown."""
    key, name, of = row["key"], str(row["name"]), None
    if group in {"month", "day"}:
        key = date.fromisoformat(key)
        of = days.part(key, group)
        name = f"{key.day} {key:%b %Y}" if group == "day" else f"{key:%B %Y}"
    figures = _figures(row)
    share = float(figures.cost / total) if total else None
    return Line(key, name, figures, share, row.get("status", ""), row.get("deleted_at") is not None, of)


def by_gpu(user: User, days: Days, unit: str) -> dict[tuple[date, str], Decimal]:
    """Dollars by the first day of each unit ("day" or "month") and GPU type."""
    rows = bills(user, days).order_by().values(key=_KEYS[unit], gpu=_GPU).annotate(cost=Sum("amount"))
    return {(date.fromisoformat(row["key"]), row["gpu"]): costs.cents(row["cost"]) for row in rows}


def forgotten(user: User, days: Days) -> Sequence[JobEvent]:
    """Runs that were found at a cluster although nobody followed them, newest first; no bill holds what they cost.

    At most one more than FORGOTTEN_SHOWN.
    """
    events = JobEvent.objects.filter(job__in=selectors.visible_to(user), kind="orphan")
    events = events.filter(created_at__gte=days.start, created_at__lt=days.end).select_related("job")
    return list(events.order_by("-id")[: FORGOTTEN_SHOWN + 1])


def _running(user: User) -> Running:
    active = selectors.visible_to(user).filter(status__in=ACTIVE)
    end = Greatest("current_cost", Coalesce("estimated_total_cost", "current_cost"))
    found = active.aggregate(
        jobs=Count("pk"),
        so_far=Sum("current_cost"),
        projected=Sum(end),
        unknown=Count("pk", filter=Q(estimated_total_cost=None)),
    )
    billed = selectors.cost_total(CostRecord.objects.filter(job__in=active))
    projected = costs.cents(found["projected"]) - billed if found["jobs"] > found["unknown"] else None
    return Running(found["jobs"], costs.cents(found["so_far"]) - billed, projected, found["unknown"])


def _figures(row: dict[str, Any]) -> Figures:
    money = {name: costs.cents(row[name]) for name in ("cost", "failed", "cancelled", "observed")}
    return Figures(**money, jobs=row["jobs"], unpriced=row["unpriced"], seconds=row["seconds"] or 0.0)
