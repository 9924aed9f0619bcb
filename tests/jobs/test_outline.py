"""The shape of a loss curve: few numbers, however many points; right after restarts; drawn with its gaps."""

import importlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from jobs import metrics, outline
from jobs.clusters.base import Point
from jobs.models import TrainingJob
from jobs.sparkline import HEIGHT, WIDTH, sparkline
from tests import factories
from tests.jobs.series_of_losses import falling, noisy

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def told(losses: list[float | None], *, first: int = 1, every: int = 1, restart: int = 0) -> list[outline.Told]:
    return [(1, restart, first + every * number, loss) for number, loss in enumerate(losses)]


def test_no_points_have_no_outline() -> None:
    assert outline.extend({}, []) == {}
    assert sparkline({}) is None


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e300, 1e300)), min_size=1, max_size=400),
    st.integers(1, 10**9),
    st.integers(1, 50),
)
def test_it_stays_small_and_keeps_ends_and_extremes(losses: list[float | None], every: int, piece: int) -> None:
    points = told(losses, first=every, every=every)
    made: dict[str, Any] = {}
    for start in range(0, len(points), piece):
        made = outline.extend(made, points[start : start + piece])
    assert len(made["buckets"]) <= outline.MAX_BUCKETS
    numbers = [loss for loss in losses if loss is not None]
    assert sum(bucket[1] for bucket in made["buckets"]) == len(numbers)
    if numbers:
        assert (made["first"][1], made["last"][1]) == (numbers[0], numbers[-1])
        seen = [bucket for bucket in made["buckets"] if bucket[1]]
        assert min(bucket[3] for bucket in seen) == pytest.approx(min(numbers), rel=1e-5)
        assert max(bucket[4] for bucket in seen) == pytest.approx(max(numbers), rel=1e-5)


def test_a_hundred_thousand_points_are_less_than_two_kilobytes() -> None:
    made = outline.extend({}, told(list(noisy(falling(100_000), "a small batch"))))
    assert len(json.dumps(made)) < 2000


def test_a_restart_replaces_what_came_before_from_its_first_step_on() -> None:
    made = outline.extend({}, told([3.0, 2.0, 1.0, 9.0, 9.0]))
    made = outline.extend(made, told([0.5], first=4, restart=1))
    assert [bucket[2] for bucket in made["buckets"]] == [3.0, 2.0, 1.0, 0.5]
    assert (made["first"], made["last"]) == ([1, 3.0], [4, 0.5])


def test_what_still_comes_of_an_earlier_run_is_left_out() -> None:
    made = outline.extend({}, told([0.5], first=4, restart=1))
    assert outline.extend(made, told([9.0], first=5)) == made


def test_a_run_that_starts_over_starts_over() -> None:
    made = outline.extend(outline.extend({}, told([3.0, 2.0])), [(2, 0, 1, 2.5)])
    assert (made["first"], made["last"], len(made["buckets"])) == ([1, 2.5], [1, 2.5], 1)


def test_a_loss_that_is_no_number_breaks_the_line() -> None:
    picture = sparkline(outline.extend({}, told([3.0, 2.0, None, 1.0, 0.5])))
    assert picture is not None
    assert picture.line.count("M") == 2
    assert picture.band.count("Z") == 2
    assert (picture.first, picture.last) == (3.0, 0.5)


def test_the_line_stays_in_its_box_whatever_the_band_does() -> None:
    picture = sparkline(outline.extend({}, told([*falling(1000), 1e9, *falling(1000, start=1.0)])))
    assert picture is not None
    corners = [corner.split() for corner in picture.band.strip("MZ").split("L")]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in corners)


def test_a_single_point_is_drawn_at_the_end() -> None:
    picture = sparkline(outline.extend({}, told([2.0])))
    assert picture is not None
    assert (picture.end_x, picture.end_y) == (f"{WIDTH - 3:.1f}", f"{HEIGHT / 2:.1f}")


@pytest.mark.django_db
def test_points_that_are_stored_are_in_the_outline_once(alice: User) -> None:
    job = factories.job(alice)
    points = [
        Point(step=1, values={"training_loss": 3.0}),
        Point(step=2, values={"learning_rate": 1e-4}),
        Point(step=3, values={"validation_loss": 2.0}),
    ]
    for _ in range(2):
        metrics.store([metrics.Page(job, 1, points)], now=NOW)
    assert job.loss_outline["buckets"] == [[1, 1, 3.0, 3.0, 3.0], [2, 0]]
    metrics.store([metrics.Page(job, 1, [Point(step=2, values={"training_loss": 2.0})])], now=NOW)
    metrics.store([metrics.Page(job, 1, [Point(step=2, values={"gradient_norm": 2.0})])], now=NOW)
    assert job.loss_outline["buckets"] == [[1, 1, 3.0, 3.0, 3.0], [2, 1, 2.0, 2.0, 2.0]]
    job.save(update_fields=metrics.METRICS_FIELDS)
    job.refresh_from_db()
    assert job.loss_outline["last"] == [2, 2.0]


@pytest.mark.django_db
def test_jobs_of_before_get_theirs_from_their_points(alice: User) -> None:
    job, without = factories.job(alice), factories.job(alice)
    factories.points(job, {step: {"training_loss": 4.0 / step} for step in range(1, 2101)})
    expected = job.loss_outline
    TrainingJob.objects.update(loss_outline={})
    migration = importlib.import_module("jobs.migrations.0012_loss_outline")
    migration.outline_points(apps, None)
    for row in (job, without):
        row.refresh_from_db()
    for found, wanted in zip(job.loss_outline["buckets"], expected["buckets"], strict=True):
        assert found == pytest.approx(wanted, rel=1e-4)  # made in pieces, so rounded at other places
    assert without.loss_outline == {}
