"""Whatever bills there are, and whatever the address asks for, page, API and sheet say the same to the cent."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.ledger.report import GROUPS
from jobs.ledger.span import RANGES
from jobs.models import CostRecord, TrainingJob
from jobs.states import Status
from tests import factories

LARGEST = Decimal("9999999999.99")  # that its column holds
GPUS = ("H100-80GB", "A100-80GB", "=1+1", "<b>GPU</b>", "L40S", "T4", "RTX-4090", "MI300X")


@pytest.fixture
def reader(client: Client, alice: User) -> Iterator[Client]:
    with time_machine.travel(datetime(2026, 11, 28, 12, tzinfo=UTC), tick=False):
        client.force_login(alice)
        yield client


@pytest.fixture
def jobs_of_alice(alice: User) -> list[TrainingJob]:
    """In each state, without a bill."""
    made = [factories.job(alice, status, name=f"Job {status}") for status in Status]
    CostRecord.objects.all().delete()
    return made


_amounts = st.one_of(
    st.sampled_from([Decimal("0.00"), Decimal("0.01"), LARGEST]),
    st.decimals(0, 5000, places=2),
)
_details = st.fixed_dictionaries(
    {},
    optional={
        "gpu_type": st.sampled_from([*GPUS, None]),
        "gpu_count": st.sampled_from([1, 8, None]),
        "billable_seconds": st.sampled_from([0, 7.5, 3.2e8, None]),
        "priced": st.booleans(),
        "billing_source": st.sampled_from(["cluster", "timestamps", "observed"]),
    },
)
# The last moment of a year and the first of the next one, too.
_moments = st.one_of(
    st.sampled_from(
        [
            datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 11, 1, tzinfo=UTC),
        ]
    ),
    st.integers(0, 390 * 24 * 60).map(
        lambda minutes: datetime(2026, 11, 28, 12, tzinfo=UTC) - timedelta(minutes=minutes)
    ),
)
_bills = st.lists(st.tuples(st.integers(0, len(Status) - 1), _amounts, _details, _moments), max_size=25)
_spans = st.one_of(
    st.sampled_from([{"range": key} for key in RANGES if key != "custom"]),
    st.tuples(st.dates(date(2025, 10, 1), date(2026, 12, 31)), st.dates(date(2025, 10, 1), date(2026, 12, 31))).map(
        lambda days: {"from": min(days).isoformat(), "to": max(days).isoformat()}
    ),
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bills=_bills, days=_spans, group=st.sampled_from(list(GROUPS)))
def test_page_api_and_sheet_agree_on_every_figure(
    bills: list[tuple[int, Decimal, dict[str, Any], datetime]],
    days: Mapping[str, str],
    group: str,
    reader: Client,
    jobs_of_alice: list[TrainingJob],
) -> None:
    CostRecord.objects.all().delete()
    for attempt, (index, amount, details, at) in enumerate(bills):
        factories.cost(jobs_of_alice[index], attempt=attempt, amount=amount, details=details, recorded_at=at)
    asked = urlencode({**days, "group": group})

    summary = reader.get(f"/api/costs/summary?{asked}&limit=100").json()["data"]
    first, last = (date.fromisoformat(summary[name]) for name in ("first", "last"))
    within = [bill for bill in bills if first <= bill[3].date() <= last]
    total = sum((amount for _, amount, _, _ in within), Decimal(0))
    assert summary["total"] == float(total)
    assert _cents(line["cost"] for line in summary["groups"]) == total
    for part in ("failed", "cancelled", "estimated"):
        assert _cents(line[part] for line in summary["groups"]) == Decimal(str(summary[part])), part

    sheet = csv.DictReader(StringIO(b"".join(reader.get(f"/api/costs.csv?{asked}")).decode()))
    assert sum((Decimal(row["amount_usd"]) for row in sheet), Decimal(0)) == total

    page = reader.get(f"/costs?{asked}").content.decode()
    if within:
        [shown] = re.findall(r"cost-main.*?<dd>(.*?)</dd>", page, re.DOTALL)
        assert shown == f"${total:,.2f}"
        rows = re.findall(r'data-label="Cost"><strong>(.*?)</strong>', page)
        expected = [f"${line['cost']:,.2f}" for line in summary["groups"]]
        assert sorted(rows) == sorted(expected)
        if not total:
            assert "<tfoot>" not in page  # there is nothing to draw
            return
        [foot] = re.findall(r"<tfoot>.*?</tfoot>", page, re.DOTALL)
        assert foot.rstrip().endswith(f'<td class="number">${total:,.2f}</td></tr></tfoot>')
    else:
        assert "No bill in these days" in page


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["range", "from", "to", "group", "sort", "page"]),
        st.one_of(
            st.sampled_from([*RANGES, *GROUPS, "-cost", "--cost", "0", "-1", "99999999999999999999", "2026-02-30"]),
            st.sampled_from(["0001-01-01", "9999-12-31", "２０２６-01-01", "2026-W01-1", "2026-11-1", " "]),  # noqa: RUF001
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
        ),
    )
)
def test_an_address_that_makes_no_sense_still_shows_a_report(
    query: dict[str, str], reader: Client, jobs_of_alice: list[TrainingJob]
) -> None:
    if not CostRecord.objects.exists():
        factories.cost(jobs_of_alice[0], recorded_at=datetime(2026, 11, 20, tzinfo=UTC))
    page = reader.get("/costs", query)
    assert page.status_code == 200
    assert "<h1>Costs</h1>" in page.content.decode()
    assert reader.get("/api/costs/summary", query).status_code in {200, 400}


def _cents(values: Iterator[float] | Any) -> Decimal:
    return sum((Decimal(str(value)) for value in values), Decimal(0))
