"""What jobs cost: the span of days, its figures, groups that add up, the bars, the sheet."""

import csv
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from datasets import spreadsheet
from jobs.ledger import plot, report, sheet, span
from jobs.ledger.span import BadDates, Days
from jobs.models import CostRecord, TrainingJob
from jobs.states import Status
from tests import factories

TODAY = date(2026, 11, 28)
GPUS = ("H100-80GB", "A100-80GB", "L40S", "=cmd|' /C calc'!A0", "T4", "RTX-4090", "MI300X", "CPU")


@pytest.fixture
def now() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 28, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def reader(client: Client, alice: User, now: None) -> Client:
    client.force_login(alice)
    return client


def bill(job: TrainingJob, amount: str, on: str, *, attempt: int = 1, **details: Any) -> CostRecord:
    """A bill for an hour on one GPU, written at noon of a day."""
    at = datetime.fromisoformat(f"{on}T12:00:00+00:00")
    known = {
        "gpu_type": "H100-80GB",
        "gpu_count": 1,
        "billable_seconds": 3600.0,
        "rate": 4.2,
        "priced": True,
        "billing_source": "cluster",
        **details,
    }
    job.cost_records.filter(attempt=attempt).delete()
    return factories.cost(job, attempt=attempt, amount=Decimal(amount), recorded_at=at, details=known)


def many(owner: User, count: int, seed: int) -> list[CostRecord]:
    """Bills of every kind over the last year, some cents each."""
    chance = random.Random(seed)  # noqa: S311 - the same rows each time
    jobs = [factories.job(owner, status, name=f"Job {status}") for status in Status]
    CostRecord.objects.all().delete()
    sources = ("cluster", "timestamps", "observed")
    return CostRecord.objects.bulk_create(
        CostRecord(
            job=chance.choice(jobs),
            owner=owner,
            attempt=number,
            amount=Decimal(chance.randrange(1, 5000)) / 100,
            details={
                "gpu_type": chance.choice(GPUS),
                "gpu_count": 2,
                "billable_seconds": 7.5,
                "billing_source": chance.choice(sources),
            },
            recorded_at=datetime(2026, 11, 28, tzinfo=UTC) - timedelta(minutes=chance.randrange(60 * 24 * 330)),
        )
        for number in range(count)
    )


@pytest.mark.parametrize(
    ("key", "days", "before"),
    [
        ("this-month", "1 to 28 Nov 2026", "1 to 28 Oct 2026"),
        ("last-month", "1 to 31 Oct 2026", "1 to 30 Sep 2026"),
        ("3-months", "1 Sep to 28 Nov 2026", "1 Jun to 28 Aug 2026"),
        ("12-months", "1 Dec 2025 to 28 Nov 2026", "1 Dec 2024 to 28 Nov 2025"),
    ],
)
def test_a_range_is_compared_with_the_same_days_before(key: str, days: str, before: str) -> None:
    found = span.span(key, today=TODAY)
    assert (str(found.days), str(found.before)) == (days, before)


def test_the_last_day_of_a_long_month_is_compared_with_the_last_of_a_short_one() -> None:
    assert str(span.span(today=date(2026, 3, 31)).before) == "1 to 28 Feb 2026"


def test_custom_dates_are_compared_with_as_many_days_before() -> None:
    found = span.span("custom", today=TODAY, first=date(2026, 11, 10), last=date(2026, 11, 12))
    assert (str(found.days), str(found.before)) == ("10 to 12 Nov 2026", "7 to 9 Nov 2026")


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (None, TODAY, "from"),
        (TODAY, None, "to"),
        (TODAY, date(2026, 11, 27), "to"),
        (date(1999, 12, 31), TODAY, "from"),
        (date(2001, 1, 1), TODAY, "to"),
        (date.max, date.max, "from"),
    ],
)
def test_dates_that_make_no_range_are_refused_at_their_field(first: date | None, last: date | None, field: str) -> None:
    with pytest.raises(BadDates) as refused:
        span.span("custom", today=TODAY, first=first, last=last)
    assert list(refused.value.problems) == [field]


def test_the_steps_of_a_span_cover_each_day_once() -> None:
    days = Days(date(2025, 12, 15), date(2026, 3, 2))
    for unit in ("day", "month"):
        found = span.steps(days, unit)
        assert (found[0].first, found[-1].last) == (days.first, days.last)
        assert all(one.last + timedelta(days=1) == next_.first for one, next_ in pairwise(found))
    assert len(span.steps(days, "month")) == 4


def test_bars_stand_on_each_other_below_the_scale() -> None:
    days = Days(date(2026, 11, 1), date(2026, 11, 3))
    amounts = {(date(2026, 11, 2), f"GPU {number}"): Decimal(number) for number in range(1, 9)}
    drawn = plot.plot(span.steps(days, "day"), amounts, "day")
    empty, full, _ = drawn.bars
    assert not empty.pieces
    assert full.total == 36
    assert drawn.series == ("GPU 8", "GPU 7", "GPU 6", "GPU 5", "GPU 4", plot.OTHER)
    assert full.pieces[-1].amount == 1 + 2 + 3
    for below, above in pairwise(full.pieces):
        assert above.y + above.height == pytest.approx(below.y, abs=0.02)
    assert full.pieces[-1].y >= plot.TOP
    assert drawn.lines == (("$0", 208.0), ("$10", 159.0), ("$20", 110.0), ("$30", 61.0), ("$40", 12.0))


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        ("4.30", ["$0", "$1", "$2", "$3", "$4", "$5"]),
        ("8100", ["$0", "$2,000", "$4,000", "$6,000", "$8,000", "$10,000"]),
        ("81000", ["$0", "$20k", "$40k", "$60k", "$80k", "$100k"]),
        ("410000", ["$0", "$100k", "$200k", "$300k", "$400k", "$500k"]),
        ("1400000", ["$0", "$500k", "$1,000k", "$1,500k"]),
        ("599999999999.40", ["$0", "$200B", "$400B", "$600B"]),
    ],
)
def test_a_scale_s_labels_are_as_short_as_their_place(most: str, labels: list[str]) -> None:
    drawn = plot.plot([Days(TODAY, TODAY)], {(TODAY, "T4"): Decimal(most)}, "day")
    assert [label for label, _ in drawn.lines] == labels


def test_a_plot_of_a_cent_has_a_scale_of_cents() -> None:
    drawn = plot.plot([Days(TODAY, TODAY)], {(TODAY, "T4"): Decimal("0.01")}, "day")
    assert [label for label, _ in drawn.lines] == ["$0.00", "$0.01"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])  # noqa: RUF001
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert spreadsheet.cell(text) == f"'{text}"


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_bills_are_added_up_by_the_parts_make_the_total(alice: User, bob: User, seed: int) -> None:
    made = many(alice, 300, seed)
    bill(factories.job(bob, Status.COMPLETED), "9999.99", "2026-11-20")
    days = Days(date(2026, 1, 10), date(2026, 11, 20))
    within = [one for one in made if days.start <= one.recorded_at < days.end]
    total = sum((one.amount for one in within), Decimal(0))
    asked = span.span("custom", today=TODAY, first=days.first, last=days.last)
    totals = report.totals(alice, asked)
    assert totals.now.cost == total
    for group in report.GROUPS:
        lines = [report.line(row, days, group, total) for row in report.lines(alice, days, group)]
        for name in ("cost", "failed", "cancelled", "observed"):
            parts = sum((getattr(line.figures, name) for line in lines), Decimal(0))
            assert parts == getattr(totals.now, name), (group, name)
        assert sum(line.share or 0 for line in lines) == pytest.approx(1)
    for unit in ("day", "month"):
        drawn = plot.plot(span.steps(days, unit), report.by_gpu(alice, days, unit), unit)
        assert sum(bar.total for bar in drawn.bars) == sum(drawn.sums) == total
    amounts = [row[list(sheet.COLUMNS).index("amount_usd")] for row in sheet.rows(alice, days)]
    assert sum(Decimal(str(amount)) for amount in amounts) == total


@pytest.mark.django_db
def test_page_api_and_sheet_say_the_same(reader: Client, alice: User) -> None:
    many(alice, 200, 4)
    data = reader.get("/api/costs/summary?range=12-months&group=gpu&limit=100").json()["data"]
    listed = reader.get("/api/costs?from=2025-12-01T00:00:00Z&to=2026-11-29T00:00:00Z").json()["data"]
    rows = list(csv.DictReader(StringIO(b"".join(reader.get("/api/costs.csv?range=12-months")).decode())))
    shown = reader.get("/costs?range=12-months&group=gpu").content.decode()
    assert data["total"] == listed["total"] == float(sum(Decimal(row["amount_usd"]) for row in rows))
    assert f"${data['total']:,.2f}" in shown
    assert {line["name"]: f"${line['cost']:,.2f}" for line in data["groups"]}.keys() == set(GPUS)
    assert all(f"${line['cost']:,.2f}" in shown for line in data["groups"])
    assert {row["gpu_type"] for row in rows if row["gpu_type"].startswith("'")} == {f"'{GPUS[3]}"}


@pytest.mark.django_db
def test_a_month_that_begins_while_the_page_is_open_takes_nothing_out_of_its_sheet(client: Client, alice: User) -> None:
    bill(factories.job(alice, Status.COMPLETED), "10.00", "2026-12-31")
    with time_machine.travel(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), tick=False) as clock:
        client.force_login(alice)
        (address,) = re.findall(r'href="(/api/costs\.csv[^"]*)"', client.get("/costs").content.decode())
        clock.shift(2)
        rows = list(csv.DictReader(StringIO(b"".join(client.get(unescape(address))).decode())))
    assert [row["amount_usd"] for row in rows] == ["10.00"]


@pytest.mark.django_db
def test_what_a_bill_does_not_know_is_no_word_in_page_or_sheet(reader: Client, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    bill(job, "0.00", "2026-11-10", rate=None, priced=False)
    bill(job, "3.00", "2026-11-11", attempt=2, gpu_type=None)
    rows = list(csv.DictReader(StringIO(b"".join(reader.get("/api/costs.csv")).decode())))
    assert [(row["gpu_type"], row["price_per_gpu_hour"]) for row in rows] == [("H100-80GB", ""), ("", "4.2")]
    assert "Unknown" in reader.get("/costs?group=gpu").content.decode()


@pytest.mark.django_db
def test_the_page_says_whose_word_it_is_and_what_brought_nothing(reader: Client, alice: User) -> None:
    bill(factories.job(alice, Status.COMPLETED, name="Good"), "10.00", "2026-11-10")
    bill(factories.job(alice, Status.FAILED, name="Bad"), "12.40", "2026-11-11", billing_source="observed")
    bill(factories.job(alice, Status.CANCELLED, name="Stopped"), "0.60", "2026-11-12")
    bill(factories.job(alice, Status.COMPLETED, name="Before"), "20.00", "2026-10-10")
    text = " ".join(reader.get("/costs").content.decode().split())
    assert "$23.00" in text
    assert "15% more than in 1 to 28 Oct 2026 ($20.00)." in text
    assert "$12.40 for jobs that failed, $0.60 for cancelled ones." in text
    assert "$12.40 is an estimate by our own clock" in text
    assert "Before" not in reader.get("/costs?group=job").content.decode()


@pytest.mark.django_db
def test_what_active_jobs_cost_is_told_apart_from_bills(reader: Client, alice: User) -> None:
    job = factories.job(alice, current_cost=Decimal("3.00"), estimated_total_cost=Decimal("8.00"))
    bill(job, "1.00", "2026-11-10")  # of an attempt that was lost
    factories.job(alice, current_cost=Decimal("0.50"), estimated_total_cost=None)
    running = reader.get("/api/costs/summary").json()["data"]["running"]
    assert running == {"jobs": 2, "so_far": 2.5, "projected": 7.5, "without_estimate": 1}
    text = " ".join(reader.get("/costs").content.decode().split())
    assert "$2.50" in text
    assert "About $7.50 by their end, without 1 that has no estimate." in text


@pytest.mark.django_db
def test_a_run_that_nobody_followed_is_told_because_no_bill_holds_it(reader: Client, alice: User, bob: User) -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        factories.event(factories.job(alice, name="Lost"), kind="orphan", message="run-1 still ran.")
        factories.event(factories.job(bob), kind="orphan", message="run-2 still ran.")
    text = reader.get("/costs").content.decode()
    assert "What they cost is in no bill here." in text
    assert "run-1 still ran." in text
    assert "run-2" not in text
    with time_machine.travel(datetime(2026, 11, 21, tzinfo=UTC)):
        for number in range(3, 8):
            factories.event(factories.job(alice, name=f"Lost {number}"), kind="orphan", message=f"run-{number} ran.")
    text = reader.get("/costs").content.decode()
    assert "run-7 ran." in text
    assert "run-1 still ran." not in text
    assert "And more before: choose fewer days to see them." in text
    told = reader.get("/api/costs/summary").json()["data"]["forgotten"]
    assert [run["message"] for run in told] == [
        *(f"run-{number} ran." for number in (7, 6, 5, 4, 3)),
        "run-1 still ran.",
    ]
    assert told[-1]["job_name"] == "Lost"


@pytest.mark.django_db
def test_who_never_trained_is_led_to_a_first_job(reader: Client) -> None:
    text = reader.get("/costs").content.decode()
    assert "Nothing spent yet" in text
    assert "$0.00" not in text


@pytest.mark.django_db
def test_wrong_dates_are_said_beside_their_field(reader: Client, alice: User) -> None:
    factories.job(alice)
    text = reader.get("/costs?range=custom&from=2026-11-10&to=2026-11-01").content.decode()
    assert "Choose a day that is not before the first one." in text
    assert "1 to 28 Nov 2026" in text
    refused = reader.get("/api/costs/summary?from=2026-11-10&to=2026-11-01")
    assert refused.status_code == 400
    assert list(refused.json()["error"]["details"]) == ["to"]


@pytest.mark.django_db
def test_the_table_is_sorted_by_what_the_url_says(reader: Client, alice: User) -> None:
    for name, amount in (("Anna", "2.00"), ("Berta", "3.00"), ("Clara", "1.00")):
        bill(factories.job(alice, Status.COMPLETED, name=name), amount, "2026-11-10")

    def names(sort: str) -> list[str]:
        groups = reader.get(f"/api/costs/summary?group=job&sort={sort}").json()["data"]["groups"]
        return [line["name"] for line in groups]

    assert names("-cost") == ["Berta", "Anna", "Clara"]
    assert names("name") == ["Anna", "Berta", "Clara"]
    assert 'aria-sort="descending"' in reader.get("/costs?group=job").content.decode()


@pytest.mark.django_db
def test_more_bills_take_no_more_queries(reader: Client, alice: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            reader.get("/costs?range=12-months&group=job")
        return len(found)

    many(alice, 20, 5)
    few = queries()
    many(alice, 1000, 6)
    assert queries() == few <= 14
