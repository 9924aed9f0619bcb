"""Jobs side by side: what differs, what came of each, and when two losses can be compared at all."""

import csv
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs import comparisons, selectors
from jobs.models import JobAttempt, TrainingJob
from jobs.states import Status
from tests import factories

Browse = Callable[[User], Client]
NOW = factories.NOW + timedelta(minutes=11)

pytestmark = pytest.mark.django_db


def compared(*jobs: TrainingJob) -> comparisons.Comparison:
    return comparisons.compare(selectors.jobs_of(jobs[0].owner, [job.pk for job in jobs]), now=NOW)


def result(found: comparisons.Comparison, name: str) -> Any:
    return next(row for row in found.results if row.name == name)


def pair(alice: User, **changes: Any) -> list[TrainingJob]:
    """Two jobs on the same data, whose best evaluations are 1.5 and 1.4; the second with these changes."""
    first = factories.job(alice, Status.COMPLETED, name="First")
    second = factories.job(alice, Status.COMPLETED, **{"name": "Second", "dataset": first.dataset, **changes})
    factories.points(first, {1: {"validation_loss": 1.5}, 2: {"validation_loss": 1.6}, 3: {"training_loss": 0.1}})
    factories.points(second, {1: {"validation_loss": 1.7}, 2: {"validation_loss": 1.4}})
    return [first, second]


def settings(**changes: Any) -> dict[str, Any]:
    return {**factories.HYPERPARAMETERS, **changes}


def test_the_lowest_validation_loss_on_the_same_data_is_the_best(alice: User) -> None:
    found = compared(*pair(alice, hyperparameters=settings(learning_rate=1e-5)))
    row = result(found, "best_validation_loss")
    assert (row.values, row.best, row.notes) == ((1.5, 1.4), (False, True), ("at step 1", "at step 2"))
    assert found.obstacle == ""
    assert found.measured_on == "10% of Support chats, drawn by seed 42"


def test_equal_ones_share_the_mark(alice: User) -> None:
    jobs = pair(alice)
    TrainingJob.objects.update(current_metrics={"validation_loss": 1.5})
    assert result(compared(*jobs), "validation_loss").best == (True, True)


def test_a_loss_of_zero_is_a_loss_and_none_is_none(alice: User) -> None:
    jobs = pair(alice)
    TrainingJob.objects.filter(pk=jobs[0].pk).update(current_metrics={"validation_loss": 0.0})
    TrainingJob.objects.filter(pk=jobs[1].pk).update(current_metrics={})
    row = result(compared(*jobs), "validation_loss")
    assert (row.shown, row.best) == (("0", "—"), (False, False))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hyperparameters": settings(seed=7)}, "measured on different data: 10% of Support chats, drawn by seed 42"),
        ({"hyperparameters": settings(validation_split=0.2)}, "20% of Support chats"),
        ({"hyperparameters": settings(validation_split=0.0)}, "one of these jobs holds no data out"),
        ({"hyperparameters": settings(max_length=512)}, "cut at different lengths: 512 and 2,048 tokens"),
    ],
)
def test_losses_on_other_data_are_not_ranked_and_it_says_why(changes: dict[str, Any], why: str, alice: User) -> None:
    found = compared(*pair(alice, **changes))
    assert why in found.obstacle
    assert not any(any(row.best) for row in found.results)


def test_another_version_of_the_dataset_is_other_data(alice: User) -> None:
    jobs = pair(alice)
    for job, sha in zip(jobs, ("a" * 64, "b" * 64), strict=True):
        JobAttempt.objects.filter(job=job).update(request={"dataset_sha256": sha})
    assert "different versions of the same dataset" in compared(*jobs).obstacle


def test_another_dataset_row_with_the_same_file_is_the_same_data(alice: User) -> None:
    jobs = pair(alice, dataset=factories.dataset(alice, name="The same once more"))
    JobAttempt.objects.update(request={"dataset_sha256": "a" * 64})
    assert compared(*jobs).obstacle == ""


def test_other_tokenizers_measure_another_thing(alice: User) -> None:
    other = factories.base_model()
    other.pk, other.name, other.location, other.is_default = None, "another", "org/another", False
    other.save()
    assert "different tokens" in compared(*pair(alice, base_model=other)).obstacle


def test_a_validation_dataset_is_the_same_for_jobs_on_different_data(alice: User) -> None:
    held_out = factories.dataset(alice, name="Held out", sha256="c" * 64)
    jobs = pair(alice, dataset=factories.dataset(alice, name="Other"))
    TrainingJob.objects.update(validation_dataset=held_out)
    found = compared(*jobs)
    assert (found.obstacle, found.measured_on) == ("", "the file of Held out")


def test_evaluations_that_a_restart_took_back_do_not_count(alice: User) -> None:
    jobs = pair(alice)
    factories.points(jobs[1], {2: {"validation_loss": 1.45, "training_loss": 1.0}}, restart=1)
    assert result(compared(*jobs), "best_validation_loss").values == (1.5, 1.45)


def test_settings_say_in_what_the_jobs_differ(alice: User) -> None:
    found = compared(*pair(alice, hyperparameters=settings(rank=64, use_rslora=True), max_cost=5))
    shown = {row.label: row.shown for row in found.differing}
    assert shown == {
        "LoRA rank": ("16", "64"),
        "Rank-stabilised scaling": ("no", "yes"),
        "Budget": ("none", "$5.00"),
    }


def test_a_job_that_has_not_started_has_no_duration(alice: User) -> None:
    row = result(compared(factories.job(alice, Status.QUEUED), factories.job(alice)), "seconds")
    assert row.shown == ("—", "10 min")


def test_eight_jobs_take_as_many_queries_as_two(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [factories.job(alice) for _ in range(8)]
    for job in jobs:
        factories.points(job, {1: {"validation_loss": 1.5}})
        factories.points(job, {1: {"validation_loss": 1.5}}, restart=1)
    with django_assert_max_num_queries(5):
        compared(*jobs)


# -- The page ------------------------------------------------------------------------------------------


def page(browse: Browse, jobs: list[TrainingJob], **more: str) -> str:
    address = f"/training/compare?jobs={','.join(str(job.pk) for job in jobs)}"
    response = browse(jobs[0].owner).get(address + "".join(f"&{name}={value}" for name, value in more.items()))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_page_marks_the_best_in_a_word(browse: Browse, alice: User) -> None:
    html = page(browse, pair(alice))
    assert html.count("</svg> Best</span>") == 3  # the best one, and both last ones, which are equal
    assert "These jobs have the same settings." in html


def test_each_job_can_be_left_out(browse: Browse, alice: User) -> None:
    first, second = pair(alice)
    third = factories.job(alice)
    address = f'href="?jobs={first.pk},{third.pk}&amp;looks=1,3" aria-label="Leave out Second"'
    assert address in page(browse, [first, second, third])


def test_others_can_be_added(browse: Browse, alice: User, bob: User) -> None:
    jobs = pair(alice)
    third = factories.job(alice, name="Third")
    factories.job(bob, name="Third of bob")
    html = page(browse, jobs, find="third")
    assert f'href="?jobs={jobs[0].pk},{jobs[1].pk},{third.pk}"' in html
    assert "Third of bob" not in html


def test_too_few_and_too_many_are_pages_that_say_so(browse: Browse, alice: User) -> None:
    jobs = [factories.job(alice) for _ in range(9)]
    assert "Choose 2 to 8 jobs" in page(browse, jobs[:1])
    assert "Too many jobs to compare" in page(browse, jobs)
    assert "Choose 2 to 8 jobs" in browse(alice).get("/training/compare").content.decode()


def looks(html: str) -> dict[str, str]:
    """Name of each compared job -> number of its colour and dash, the same wherever it is shown."""
    chips = dict(re.findall(r'data-name="(\w+)" data-look="(\d)"', html))
    swatches = re.findall(r'swatch series-(\d)"', html)
    assert swatches == list(chips.values()) * 3  # beside the names, and above both tables
    return chips


def test_a_job_keeps_its_look_while_others_come_and_go(browse: Browse, alice: User) -> None:
    jobs = [factories.job(alice, Status.COMPLETED, name=name) for name in ("one", "two", "three", "four")]
    client = browse(alice)

    def follow(html: str, label: str) -> str:
        found = re.search(rf'href="([^"]+)" aria-label="{label}"', html)
        assert found, label
        return client.get("/training/compare" + unescape(found[1])).content.decode()

    html = page(browse, jobs[:3])
    assert looks(html) == {"one": "1", "two": "2", "three": "3"}
    html = follow(html, "Leave out one")
    assert looks(html) == {"two": "2", "three": "3"}
    assert '<input type="hidden" name="looks" value="2,3">' in html  # for those who search without scripts
    html = follow(html, "Add four")
    assert looks(html) == {"two": "2", "three": "3", "four": "1"}
    html = follow(html, "Leave out three")
    assert looks(follow(html, "Add one")) == {"two": "2", "four": "1", "one": "3"}


@pytest.mark.parametrize("said", ["", "9,0", "2,2", "x,,", "-1", "3", "1,2,3,4"])
def test_looks_that_the_address_says_wrongly_are_those_of_the_places(browse: Browse, alice: User, said: str) -> None:
    jobs = pair(alice)
    address = f"/training/compare?jobs={jobs[0].pk},{jobs[1].pk}&looks={quote(said)}"
    found = re.findall(r'data-look="(\d)"', browse(alice).get(address).content.decode())
    assert len(set(found)) == 2
    assert found[0] == (said[0] if said[:1] in {"2", "3"} else "1")


def test_nobody_compares_nothing(browse: Browse, alice: User) -> None:
    assert "There is nothing to compare yet" in browse(alice).get("/training/compare").content.decode()


@pytest.mark.parametrize("other", ["{bob}", str(uuid.uuid4()), "garbage", "%E2%98%83"])
def test_an_id_that_is_not_one_s_own_is_not_found(other: str, browse: Browse, alice: User, bob: User) -> None:
    mine, theirs = factories.job(alice), factories.job(bob)
    address = f"/training/compare?jobs={mine.pk},{other.format(bob=theirs.pk)}"
    for headers in ({}, {"X-Part": "tables"}, {"X-Part": "picker"}):
        assert browse(alice).get(address, headers=headers).status_code == 404


def test_a_part_that_has_not_changed_is_not_sent_again(browse: Browse, alice: User) -> None:
    jobs = pair(alice)
    address, browser = f"/training/compare?jobs={jobs[0].pk},{jobs[1].pk}", browse(alice)
    first = browser.get(address, headers={"X-Part": "tables"})
    assert b"<html" not in first.content
    again = {"X-Part": "tables", "If-None-Match": first.headers["ETag"]}
    assert browser.get(address, headers=again).status_code == 304
    TrainingJob.objects.filter(pk=jobs[0].pk).update(final_cost=7)
    assert b"$7.00" in browser.get(address, headers=again).content


# -- The API -------------------------------------------------------------------------------------------


def test_the_api_says_the_same(browse: Browse, alice: User) -> None:
    jobs = pair(alice, hyperparameters=settings(rank=64))
    data = browse(alice).get(f"/api/jobs/compare?ids={jobs[0].pk},{jobs[1].pk}").json()["data"]
    assert [job["name"] for job in data["jobs"]] == ["First", "Second"]
    assert data["validation"] == {"comparable": True, "reason": ""}
    rank = next(row for row in data["settings"] if row["name"] == "rank")
    assert rank == {"name": "rank", "label": "LoRA rank", "values": [16, 64], "differs": True}
    best = next(row for row in data["results"] if row["name"] == "best_validation_loss")
    assert (best["values"], best["best"]) == ([1.5, 1.4], [False, True])


def test_the_api_refuses_what_is_no_comparison(browse: Browse, alice: User, bob: User) -> None:
    mine, theirs = factories.job(alice), factories.job(bob)
    browser = browse(alice)
    for ids, status in {
        "": 400,
        str(mine.pk): 400,
        f"{mine.pk},{mine.pk}": 400,
        f"{mine.pk},x": 400,
        ",".join(str(uuid.uuid4()) for _ in range(9)): 400,
        f"{mine.pk},{theirs.pk}": 404,
        f"{mine.pk},{uuid.uuid4()}": 404,
    }.items():
        for path in ("/api/jobs/compare", "/api/jobs/compare.csv"):
            assert browser.get(path, {"ids": ids}).status_code == status, ids


def test_the_file_holds_nothing_that_a_spreadsheet_would_execute(browse: Browse, alice: User) -> None:
    jobs = pair(alice, name='=HYPERLINK("https://example.com")')
    response = browse(alice).get(f"/api/jobs/compare.csv?ids={jobs[0].pk},{jobs[1].pk}")
    rows = list(csv.reader(response.content.decode().splitlines()))
    assert rows[0] == ["", "First", '\'=HYPERLINK("https://example.com")']
    assert ["Best validation loss", "1.5", "1.4"] in rows
    assert response.headers["Content-Disposition"] == 'attachment; filename="comparison.csv"'
