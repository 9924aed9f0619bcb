"""The bills as rows for a spreadsheet: nothing in a cell is something that one would execute."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db.models import F

from datasets import spreadsheet
from jobs.ledger.expressions import detail
from jobs.ledger.report import bills
from jobs.ledger.span import Days

COLUMNS: dict[str, object] = {
    "recorded_at": F("recorded_at"),
    "job_id": F("job_id"),
    "job": F("job__name"),
    "job_status": F("job__status"),
    "dataset": F("job__dataset__name"),
    "base_model": F("job__base_model__name"),
    "attempt": F("attempt"),
    "cost_type": F("cost_type"),
    "gpu_type": detail("gpu_type"),
    "gpu_count": detail("gpu_count"),
    "billable_seconds": detail("billable_seconds"),
    "price_per_gpu_hour": detail("rate"),
    "amount_usd": F("amount"),
    "basis": detail("billing_source"),
    "from": F("period_start"),
    "to": F("period_end"),
}
_CHUNK = 2000


def rows(user: User, days: Days) -> Iterator[tuple[object, ...]]:
    """The bills of these days, the oldest first, each with the values of COLUMNS, in bounded memory."""
    names = {f"_{number}": source for number, source in enumerate(COLUMNS.values())}
    for row in bills(user, days).order_by("recorded_at", "id").annotate(**names).values_list(*names).iterator(_CHUNK):
        yield tuple(spreadsheet.cell(value) for value in row)
