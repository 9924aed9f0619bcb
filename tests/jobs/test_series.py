"""A job's points for charts, read once and then only what changed."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import series
from jobs.models import MetricsPoint, TrainingJob
from tests import factories


@pytest.fixture
def job(alice: User) -> TrainingJob:
    return factories.job(alice)


def losses(chart: series.Chart) -> dict[tuple[int, int, int], float | None]:
    return {(p["attempt"], p["restart"], p["step"]): p["training_loss"] for p in chart.points}


def test_a_job_without_points_has_an_empty_chart(job: TrainingJob) -> None:
    assert series.chart(job) == series.Chart(
        points=[], total=0, next=0, matching=0, superseded=0, matching_superseded=0
    )


def test_points_come_in_the_order_of_attempt_restart_and_step(job: TrainingJob) -> None:
    factories.points(job, {3: {"training_loss": 1.0}, 1: {"training_loss": 3.0}})
    factories.points(job, {2: {"training_loss": 2.0}}, attempt=2)
    factories.points(job, {1: {"training_loss": 4.0}}, restart=1)
    assert list(losses(series.chart(job))) == [(1, 0, 1), (1, 0, 3), (1, 1, 1), (2, 0, 2)]


def test_zero_is_a_value_and_a_missing_one_is_null(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 0.0, "timestamp": factories.NOW}, 2: {}})
    first, second = series.chart(job).points
    assert (first["training_loss"], first["validation_loss"]) == (0.0, None)
    assert (second["training_loss"], second["timestamp"]) == (None, None)
    assert first["timestamp"] == "2026-11-23T12:00:00Z"
    assert list(first) == [*series.POINT_COLUMNS, "superseded", "stands_for", "means"]
    assert (first["stands_for"], first["means"]) == (1, None)


def test_what_a_later_restart_trained_again_is_superseded(job: TrainingJob) -> None:
    loss = {"training_loss": 1.0}
    factories.points(job, dict.fromkeys(range(1, 8), loss))
    factories.points(job, dict.fromkeys(range(4, 7), loss), restart=1)
    factories.points(job, dict.fromkeys(range(6, 9), loss), restart=2)
    left = [(p["attempt"], p["restart"], p["step"]) for p in series.chart(job).points if not p["superseded"]]
    assert left == [
        *((1, 0, step) for step in (1, 2, 3)),
        *((1, 1, step) for step in (4, 5)),
        *((1, 2, step) for step in (6, 7, 8)),
    ]


def test_it_says_how_many_points_were_trained_again_of_all_and_of_a_range(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 2.0} for step in range(1, 1001)})
    factories.points(job, {step: {"training_loss": 1.0} for step in range(901, 1101)}, restart=1)
    chart = series.chart(job, max_points=50)
    assert (chart.total, chart.superseded, chart.matching_superseded) == (1200, 100, 100)
    narrow = series.chart(job, steps=series.Steps(951, 1000))
    assert (narrow.matching, narrow.superseded, narrow.matching_superseded) == (100, 100, 50)


def test_what_a_later_attempt_trained_again_is_superseded(job: TrainingJob) -> None:
    loss = {"training_loss": 1.0}
    factories.points(job, dict.fromkeys(range(1, 6), loss))
    factories.points(job, dict.fromkeys(range(4, 8), loss), restart=1)
    factories.points(job, dict.fromkeys(range(6, 9), loss), attempt=2)
    left = [(p["attempt"], p["restart"], p["step"]) for p in series.chart(job).points if not p["superseded"]]
    assert left == [(1, 0, 1), (1, 0, 2), (1, 0, 3), (1, 1, 4), (1, 1, 5), (2, 0, 6), (2, 0, 7), (2, 0, 8)]


def test_a_restart_that_comes_later_supersedes_what_was_shown_before(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 2.0}, 2: {"training_loss": 1.0}})
    assert not any(point["superseded"] for point in series.chart(job).points)
    factories.points(job, {2: {"training_loss": 1.5}}, restart=1)
    assert [point["superseded"] for point in series.chart(job).points] == [False, True, False]


def test_a_later_restart_that_went_further_back_counts_from_there(job: TrainingJob) -> None:
    loss = {"training_loss": 1.0}
    factories.points(job, dict.fromkeys(range(1, 5), loss))
    factories.points(job, dict.fromkeys(range(4, 6), loss), restart=1)
    factories.points(job, dict.fromkeys(range(2, 4), loss), restart=2)
    left = [(p["restart"], p["step"]) for p in series.chart(job).points if not p["superseded"]]
    assert left == [(0, 1), (2, 2), (2, 3)]


def test_new_points_and_filled_gaps_show_at_once(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 3.0}, 2: {"training_loss": 2.0}})
    before = series.chart(job)
    job.metrics_version += 1
    MetricsPoint.objects.filter(job=job, step=1).update(
        validation_loss=2.5, timestamp=factories.NOW, version=job.metrics_version
    )
    factories.points(job, {3: {"training_loss": 1.0}})
    after = series.chart(job)
    assert [p["validation_loss"] for p in after.points] == [2.5, None, None]
    assert after.points[0]["timestamp"] == "2026-11-23T12:00:00Z"
    assert (before.total, after.total) == (2, 3)


def test_since_gives_only_what_is_new_or_changed(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 3.0}, 2: {"training_loss": 2.0}})
    cursor = series.chart(job).next
    assert series.chart(job, since=cursor).points == []
    job.metrics_version += 1
    MetricsPoint.objects.filter(job=job, step=1).update(validation_loss=2.5, version=job.metrics_version)
    factories.points(job, {3: {"training_loss": 1.0}})
    news = series.chart(job, since=cursor)
    assert [p["step"] for p in news.points] == [1, 3]
    assert news.next > cursor
    assert news.total == 3


def test_a_point_that_arrives_late_takes_its_place(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 3.0}, 5: {"training_loss": 1.0}})
    series.chart(job)
    factories.points(job, {3: {"training_loss": 2.0}})
    assert [p["step"] for p in series.chart(job).points] == [1, 3, 5]


def test_unchanged_points_are_not_read_again_and_new_ones_alone(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
    first = series.chart(job)
    with CaptureQueriesContext(connection) as none:
        assert series.chart(job) is first
    factories.points(job, {100: {"training_loss": 0.5}})
    with CaptureQueriesContext(connection) as some:
        series.chart(job)
    assert (len(none), len(some)) == (0, 2)
    assert '"version" >' in some.captured_queries[0]["sql"]


def test_of_a_long_curve_hardly_any_times_are_read_again(job: TrainingJob) -> None:
    def values(step: int) -> dict[str, Any]:
        return {"training_loss": step * 7919 % 1000 / 1000, "timestamp": factories.NOW}

    factories.points(job, {step: values(step) for step in range(3000)})
    series.chart(job)
    factories.points(job, {3000: values(3000)})
    with CaptureQueriesContext(connection) as queries:
        series.chart(job)
    assert 0 < queries.captured_queries[1]["sql"].partition(" IN (")[2].count(",") + 1 < 5


def test_what_changes_amid_restarts_leaves_the_others_where_they_are(job: TrainingJob) -> None:
    loss = {"training_loss": 2.0}
    factories.points(job, dict.fromkeys(range(1, 8), loss))
    factories.points(job, dict.fromkeys(range(4, 10), loss), restart=1)
    series.chart(job)
    job.metrics_version += 1
    MetricsPoint.objects.filter(job=job, restart=0, step__in=(3, 6)).update(
        validation_loss=1.5, version=job.metrics_version
    )
    factories.points(job, {2: loss, 10: loss}, restart=1)
    after = series.chart(job)
    assert after == series.Memory(capacity=1000).chart(job)
    assert [p["step"] for p in after.points if p["validation_loss"]] == [3, 6]


def test_a_process_without_memory_says_the_same(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": (step * 7919 % 1000) / 1000} for step in range(3000)})
    series.chart(job)
    factories.points(job, {step: {"training_loss": (step * 7919 % 1000) / 1000} for step in range(3000, 3100)})
    another_process = series.Memory(capacity=1000)
    assert another_process.chart(job, max_points=500) == series.chart(job, max_points=500)


def test_a_reader_with_an_older_row_of_the_job_gets_no_older_points(job: TrainingJob) -> None:
    factories.points(job, {1: {"training_loss": 3.0}})
    older = TrainingJob.objects.get(pk=job.pk)
    factories.points(job, {2: {"training_loss": 2.0}})
    newest = series.chart(job)
    assert series.chart(older) == newest


def test_jobs_not_looked_at_are_forgotten_when_the_memory_is_full(alice: User) -> None:
    memory = series.Memory(capacity=500)
    jobs = [factories.job(alice) for _ in range(4)]
    for job in jobs:
        factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
        memory.chart(job)
    with CaptureQueriesContext(connection) as queries:
        memory.chart(jobs[-1])
        assert len(queries) == 0
        assert len(memory.chart(jobs[0]).points) == 100
        assert len(queries) > 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_threads_that_ask_at_once_all_get_the_whole(alice: User) -> None:
    job = factories.job(alice)
    factories.points(job, {step: {"training_loss": float(step)} for step in range(5000)})
    memory = series.Memory(capacity=10_000)
    charts: list[series.Chart] = []

    def ask() -> None:
        charts.append(memory.chart(job))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(charts) == 6
    assert all(chart == charts[0] for chart in charts)


def test_every_point_streams_all_of_them(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 1.0} for step in range(2500)})
    assert [row[2] for row in series.every_point(job)] == list(range(2500))


def test_points_that_were_left_out_are_counted_and_averaged_in_the_next_one(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": float(step % 10), "learning_rate": 1e-4} for step in range(1000)})
    points = series.chart(job, max_points=50).points
    assert len(points) <= 50
    assert sum(point["stands_for"] for point in points) == 1000
    whole = sum(point["stands_for"] * (point["means"] or point)["training_loss"] for point in points)
    assert whole == pytest.approx(4500, rel=1e-5)
    assert "learning_rate" not in next(point["means"] for point in points if point["means"])


def test_what_was_trained_again_counts_in_no_mean(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 9.0} for step in range(500)})
    factories.points(job, {step: {"training_loss": 1.0} for step in range(500)}, restart=1)
    points = series.chart(job, max_points=50).points
    means = {each["means"]["training_loss"] for each in points if each["means"] and not each["superseded"]}
    assert means == {1.0}


def test_a_range_of_steps_is_finer_and_keeps_its_own_extremes(job: TrainingJob) -> None:
    values = {step: {"training_loss": 1.0 + step % 7 / 10} for step in range(5000)}
    values[2222]["training_loss"] = 1.9  # no extreme of the whole run
    values[4000]["training_loss"] = 99.0
    factories.points(job, values)
    narrow = series.chart(job, max_points=60, steps=series.Steps(2200, 2300))
    assert (narrow.matching, narrow.total) == (101, 5000)
    assert [narrow.points[0]["step"], narrow.points[-1]["step"]] == [2200, 2300]
    assert max(point["training_loss"] for point in narrow.points) == 1.9
    assert len(series.chart(job, steps=series.Steps(2200, 2300)).points) == 101


def test_a_range_leaves_the_chart_of_all_points_as_it_is(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
    whole = series.chart(job)
    assert [point["step"] for point in series.chart(job, steps=series.Steps(10, 12)).points] == [10, 11, 12]
    assert series.chart(job, steps=series.Steps(200, 300)).points == []
    assert series.chart(job) is whole


def test_every_point_streams_those_of_a_range(job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
    assert [row[2] for row in series.every_point(job, series.Steps(97))] == [97, 98, 99]
