"""Which jobs the list shows, as its address says it: on the page and by the API."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import listing
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories

Browse = Callable[[User], Client]


def names(response: Any) -> list[str]:
    """The jobs of a page of the list, in its order."""
    assert response.status_code == 200
    return re.findall(r'data-job="[^"]+" data-name="([^"]+)"', response.content.decode())


def made_at(job: TrainingJob, day: int) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(created_at=datetime(2026, 11, day, 23, 30, tzinfo=UTC))


def test_an_address_says_only_what_is_not_usual() -> None:
    assert listing.Query().address() == "?"
    query = listing.Query(search="a b", status="active", from_=date(2026, 11, 1), sort="name", size=50)
    assert query.address() == "?search=a+b&status=active&from=2026-11-01&sort=name&size=50"
    assert query.address(search="", size=20) == "?status=active&from=2026-11-01&sort=name"


def test_an_address_reads_as_it_was_written() -> None:
    query = listing.Query(
        search="x",
        status="failed",
        dataset="c0ffee00-0000-4000-8000-000000000000",
        base_model="m",
        gpu="H100-80GB",
        from_=date(2026, 11, 1),
        to=date(2026, 11, 2),
        sort="-cost",
        size=100,
    )
    said = dict(pair.split("=") for pair in query.address().removeprefix("?").split("&"))
    assert listing.parse(said) == query


@pytest.mark.parametrize(
    "said",
    [
        {"status": "x"},
        {"sort": "owner__password"},
        {"sort": "--name"},
        {"size": "7"},
        {"from": "yesterday"},
        {"to": "0001-01-01"},
        {"to": "9999-12-31"},
        {"dataset": "garbage"},
    ],
)
def test_what_is_said_wrongly_counts_as_not_said(said: dict[str, str]) -> None:
    assert listing.parse(said) == listing.Query()


def test_a_column_is_sorted_by_its_own_order_first_and_then_the_other_way() -> None:
    query = listing.Query()
    assert query.sorted_by("cost") == "-cost"
    assert listing.Query(sort="-cost").sorted_by("cost") == "cost"
    assert (query.direction("created_at"), query.direction("cost")) == ("descending", "")


@pytest.mark.django_db
def test_jobs_are_found_by_what_they_were_made_of(browse: Browse, alice: User) -> None:
    data = factories.dataset(alice, name="Sums")
    factories.job(alice, name="on sums", dataset=data)
    factories.job(alice, name="on a laptop", gpu_config={"type": "RTX 4090", "count": 1})
    browser = browse(alice)
    assert names(browser.get("/training/jobs", {"dataset": str(data.pk)})) == ["on sums"]
    assert names(browser.get("/training/jobs", {"gpu": "RTX 4090"})) == ["on a laptop"]
    assert len(names(browser.get("/training/jobs", {"base_model": factories.base_model().name}))) == 2
    assert names(browser.get("/training/jobs", {"base_model": "another"})) == []


@pytest.mark.django_db
def test_both_ends_of_a_span_of_days_belong_to_it(browse: Browse, alice: User) -> None:
    for day in (1, 2, 3, 4):
        made_at(factories.job(alice, name=f"of day {day}"), day)
    span = {"from": "2026-11-02", "to": "2026-11-03"}
    assert names(browse(alice).get("/training/jobs", span)) == ["of day 3", "of day 2"]


@pytest.mark.django_db
def test_a_job_is_found_by_the_id_that_its_cluster_gave_it(browse: Browse, alice: User) -> None:
    factories.job(alice, name="wanted", external_job_id="gpu-7f3a")
    factories.job(alice, name="other")
    assert names(browse(alice).get("/training/jobs?search=7F3A")) == ["wanted"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("training_loss", "low high none"),
        ("-training_loss", "high low none"),
        ("cost", "none low high"),
        ("-cost", "high low none"),
        ("name", "high low none"),
    ],
)
def test_rows_are_sorted_and_those_without_a_value_come_last(
    sort: str, order: str, browse: Browse, alice: User
) -> None:
    factories.job(alice, name="low", current_metrics={"training_loss": 0.9}, current_cost=2)
    factories.job(alice, Status.FAILED, name="high", current_metrics={"training_loss": 10.5}, final_cost=11)
    factories.job(alice, name="none", current_metrics={"training_loss": None}, current_cost=0)
    assert names(browse(alice).get(f"/training/jobs?sort={sort}")) == order.split()


@pytest.mark.django_db
def test_the_sorted_column_says_so_and_links_keep_the_filters(browse: Browse, alice: User) -> None:
    factories.job(alice)
    html = browse(alice).get("/training/jobs?status=running&gpu=H100-80GB&sort=-cost").content.decode()
    assert html.count('aria-sort="descending"') == 1
    assert 'href="/training/jobs?status=running&amp;gpu=H100-80GB&amp;sort=cost"' in html
    assert 'aria-label="Remove the filter GPU type: H100-80GB"' in html
    assert 'href="/training/jobs?status=running&amp;sort=-cost"' in html


@pytest.mark.django_db
def test_tabs_count_what_the_other_filters_leave(browse: Browse, alice: User) -> None:
    for status in (Status.RUNNING, Status.RUNNING, Status.QUEUED, Status.FAILED):
        factories.job(alice, status, name="counted")
    factories.job(alice, Status.RUNNING, name="not this one")
    html = browse(alice).get("/training/jobs?search=counted&status=failed").content.decode()
    tabs = re.findall(r'data-stay( aria-current="true")?>([A-Z]\w+) <span class="number">(\d+)', html)
    assert {label: int(count) for _, label, count in tabs} == {
        "All": 4,
        "Active": 3,
        "Ended": 1,
        "Queued": 1,
        "Running": 2,
        "Failed": 1,
    }
    assert [label for current, label, _ in tabs if current] == ["Failed"]


@pytest.mark.django_db
def test_the_size_of_a_page_is_kept(browse: Browse, alice: User) -> None:
    for _ in range(21):
        factories.job(alice)
    browser = browse(alice)
    assert len(names(browser.get("/training/jobs"))) == 20
    assert len(names(browser.get("/training/jobs?size=50"))) == 21
    assert 'name="size" value="50"' in browser.get("/training/jobs?size=50").content.decode()


@pytest.mark.django_db
def test_a_row_draws_its_loss_and_says_it(browse: Browse, alice: User) -> None:
    factories.points(factories.job(alice), {1: {"training_loss": 2.81}, 9: {"training_loss": 0.25}})
    html = browse(alice).get("/training/jobs").content.decode()
    assert 'role="img" aria-label="Training loss from 2.8100 to 0.2500"' in html


@pytest.mark.django_db
def test_the_list_reads_no_points_however_many_there_are(browse: Browse, alice: User) -> None:
    factories.points(factories.job(alice), {step: {"training_loss": 1 / step} for step in range(1, 200)})
    browser = browse(alice)
    with CaptureQueriesContext(connection) as asked:
        browser.get("/training/jobs")
    assert not [query["sql"] for query in asked if "metrics_points" in query["sql"]]


@pytest.mark.django_db
def test_rows_that_have_not_changed_are_not_sent_again(browse: Browse, alice: User) -> None:
    job, browser = factories.job(alice), browse(alice)
    first = browser.get("/training/jobs", headers={"X-Part": "results"})
    assert b"<html" not in first.content
    again = {"X-Part": "results", "If-None-Match": first.headers["ETag"]}
    unchanged = browser.get("/training/jobs", headers=again)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    TrainingJob.objects.filter(pk=job.pk).update(progress=50.5)
    assert b"50.5%" in browser.get("/training/jobs", headers=again).content


@pytest.mark.django_db
def test_an_unknown_part_is_the_whole_page(browse: Browse, alice: User) -> None:
    assert b"<html" in browse(alice).get("/training/jobs", headers={"X-Part": "other"}).content


@pytest.mark.django_db
def test_the_api_takes_the_same_filters(browse: Browse, alice: User) -> None:
    data = factories.dataset(alice, name="Sums")
    wanted = factories.job(alice, name="wanted", dataset=data, gpu_config={"type": "RTX 4090", "count": 1})
    made_at(wanted, 2)
    made_at(factories.job(alice, dataset=data), 4)
    browser = browse(alice)
    for query in (
        {"gpu_type": "RTX 4090"},
        {"dataset": str(data.pk), "created_before": "2026-11-03T00:00:00Z"},
        {"created_from": "2026-11-02T23:30:00Z", "created_before": "2026-11-02T23:30:01Z"},
        {"base_model": factories.base_model().name, "search": "wanted", "ordering": "-training_loss"},
    ):
        found = browser.get("/api/jobs", query).json()["data"]["jobs"]
        assert [job["name"] for job in found] == ["wanted"], query
    assert browser.get("/api/jobs", {"dataset": "x"}).status_code == 400
