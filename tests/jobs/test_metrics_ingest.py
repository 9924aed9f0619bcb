"""Points: each stored once, gaps filled, nothing overwritten, whatever order and shape they come in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import metrics
from jobs.clusters.base import Point
from jobs.models import MetricsPoint, TrainingJob
from tests import factories

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def job(alice: User) -> TrainingJob:
    return factories.job(alice, current_metrics={})


def point(step: int, restart: int = 0, **values: float | None) -> Point:
    return Point(step=step, restart=restart, values=values)


def store(job: TrainingJob, *points: Point, attempt: int = 1) -> int:
    [new] = metrics.store([metrics.Page(job, attempt, points)], now=NOW)
    return new


def losses(job: TrainingJob) -> list[tuple[int, int, float | None]]:
    return list(MetricsPoint.objects.filter(job=job).values_list("restart", "step", "training_loss"))


@pytest.mark.django_db
def test_a_point_that_comes_twice_is_stored_once(job: TrainingJob) -> None:
    same = point(1, training_loss=2.0)
    assert store(job, same, same) == 1
    assert store(job, same) == 0
    assert losses(job) == [(0, 1, 2.0)]
    assert (job.metrics_count, job.metrics_version) == (1, 1)


@pytest.mark.django_db
def test_loss_and_validation_loss_of_a_step_may_arrive_apart(job: TrainingJob) -> None:
    store(job, point(5, training_loss=1.5))
    assert store(job, point(5, validation_loss=1.7)) == 0
    row = MetricsPoint.objects.get()
    assert (row.training_loss, row.validation_loss) == (1.5, 1.7)
    assert row.version == job.metrics_version == 2


@pytest.mark.django_db
def test_they_may_also_arrive_apart_in_one_answer(job: TrainingJob) -> None:
    store(job, point(5, training_loss=1.5), point(5, validation_loss=1.7))
    row = MetricsPoint.objects.get()
    assert (row.training_loss, row.validation_loss, job.metrics_count) == (1.5, 1.7, 1)


@pytest.mark.django_db
def test_a_value_that_is_there_is_not_overwritten_even_if_it_is_zero(job: TrainingJob) -> None:
    store(job, point(1, training_loss=0.0))
    store(job, point(1, training_loss=9.0, gradient_norm=0.0))
    row = MetricsPoint.objects.get()
    assert (row.training_loss, row.gradient_norm) == (0.0, 0.0)


@pytest.mark.django_db
def test_what_changes_nothing_leaves_the_readers_cursor(job: TrainingJob) -> None:
    store(job, point(1, training_loss=1.0))
    store(job, point(1, training_loss=None), point(1, training_loss=3.0))
    assert job.metrics_version == 1


@pytest.mark.django_db
def test_only_changed_rows_get_the_new_version(job: TrainingJob) -> None:
    store(job, point(1, training_loss=1.0), point(2, training_loss=1.0))
    store(job, point(2, validation_loss=1.0), point(3, training_loss=1.0))
    assert dict(MetricsPoint.objects.values_list("step", "version")) == {1: 1, 2: 2, 3: 2}


@pytest.mark.django_db
def test_the_same_step_after_a_resume_or_in_another_attempt_is_another_point(job: TrainingJob) -> None:
    store(job, point(7, training_loss=1.0), point(7, restart=1, training_loss=2.0))
    store(job, point(7, training_loss=3.0), attempt=2)
    assert MetricsPoint.objects.count() == job.metrics_count == 3


@pytest.mark.django_db
def test_the_database_refuses_a_second_point(job: TrainingJob) -> None:
    store(job, point(7, training_loss=1.0))
    with pytest.raises(IntegrityError), transaction.atomic():
        MetricsPoint.objects.create(job=job, owner=job.owner, attempt=1, restart=0, step=7, version=2, created_at=NOW)


@pytest.mark.django_db
def test_impossible_steps_are_left_out_and_the_rest_is_kept(job: TrainingJob) -> None:
    assert store(job, point(-1), point(2**63), point(3, training_loss=1.0)) == 1


@pytest.mark.django_db
def test_a_huge_gradient_is_a_number_like_any_other(job: TrainingJob) -> None:
    store(job, point(1, gradient_norm=1.7e308, training_loss=5e-324))
    row = MetricsPoint.objects.get()
    assert (row.gradient_norm, row.training_loss) == (1.7e308, 5e-324)


@pytest.mark.django_db
def test_names_that_have_no_column_are_left_out(job: TrainingJob) -> None:
    store(job, point(1, training_loss=1.0, temperature=80.0))
    assert losses(job) == [(0, 1, 1.0)]


@pytest.mark.django_db
def test_thousands_of_points_take_dozens_of_queries(job: TrainingJob, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(60):
        assert store(job, *(point(step, training_loss=1.0) for step in range(3000))) == 3000


@pytest.mark.django_db
def test_points_of_many_jobs_take_as_many_queries_as_those_of_one(alice: User, django_assert_num_queries: Any) -> None:
    jobs = [factories.job(alice, current_metrics={}) for _ in range(20)]
    for job in jobs:
        store(job, point(1, training_loss=1.0))
    pages = [metrics.Page(job, 1, [point(1, validation_loss=2.0), point(2, training_loss=1.5)]) for job in jobs]
    with django_assert_num_queries(3):  # what is there, what is new, what fills a gap
        assert metrics.store(pages, now=NOW) == [1] * 20
    with django_assert_num_queries(1):
        assert metrics.store(pages, now=NOW) == [0] * 20
    assert {(job.metrics_count, job.metrics_version) for job in jobs} == {(2, 2)}
    assert MetricsPoint.objects.filter(version=2, validation_loss=2.0).count() == 20


@pytest.mark.django_db
def test_points_of_several_jobs_are_told_apart(alice: User) -> None:
    first, second, third = (factories.job(alice, current_metrics={}) for _ in range(3))
    store(first, point(7, training_loss=1.0))
    store(second, point(7, training_loss=2.0), attempt=2)
    pages = [
        metrics.Page(first, 1, [point(7, training_loss=9.0), point(8, training_loss=1.1)]),
        metrics.Page(second, 1, [point(7, training_loss=3.0), point(7, restart=1, training_loss=4.0)]),
        metrics.Page(third, 1, []),
    ]
    assert metrics.store(pages, now=NOW) == [1, 2, 0]
    assert losses(first) == [(0, 7, 1.0), (0, 8, 1.1)]
    assert losses(second) == [(0, 7, 3.0), (1, 7, 4.0), (0, 7, 2.0)]
    assert [(job.metrics_count, job.metrics_version) for job in (first, second, third)] == [(2, 2), (3, 2), (0, 0)]


@pytest.mark.django_db
def test_a_run_that_was_resumed_a_thousand_times_has_its_points_once(job: TrainingJob) -> None:
    points = [point(1, restart=restart, training_loss=1.0) for restart in range(1100)]
    assert [store(job, *points), store(job, *points)] == [1100, 0]


def test_the_last_known_value_stays_until_there_is_a_newer_one() -> None:
    known = {"training_loss": 2.0, "validation_loss": 1.0}
    assert metrics.merge(known, {"training_loss": 0.0, "validation_loss": None, "noise": 1.0}) == {
        "training_loss": 0.0,
        "validation_loss": 1.0,
    }


ARRIVALS = st.lists(
    st.builds(
        point,
        st.integers(1, 4),
        restart=st.integers(0, 1),
        training_loss=st.sampled_from([None, 0.0, 1.0]),
        validation_loss=st.sampled_from([None, 2.0]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=ARRIVALS, cut=st.integers(0, 12))
@pytest.mark.django_db
def test_however_points_arrive_the_first_word_on_each_value_counts(
    job: TrainingJob, arrivals: list[Point], cut: int
) -> None:
    MetricsPoint.objects.all().delete()
    job.metrics_count = 0
    store(job, *arrivals[:cut])
    store(job, *arrivals[cut:])
    expected: dict[tuple[int, int], dict[str, float | None]] = {}
    for each in arrivals:
        row = expected.setdefault((each.restart, each.step), {"training_loss": None, "validation_loss": None})
        for name, value in each.values.items():
            row[name] = value if row[name] is None else row[name]
    stored = {
        (row.restart, row.step): {"training_loss": row.training_loss, "validation_loss": row.validation_loss}
        for row in MetricsPoint.objects.all()
    }
    assert stored == expected
    assert job.metrics_count == len(expected)
