"""Where a figure is going, whatever is missing or is no number."""

import math

import pytest

from jobs.monitor import trend
from jobs.monitor.trend import Best
from jobs.templatetags import figures


def line(*values: float | None, first: int = 1) -> list[tuple[int, float | None]]:
    return list(enumerate(values, start=first))


def test_a_falling_loss_is_down_by_the_difference_of_medians() -> None:
    found = trend.recent(line(4.0, 4.0, 4.0, 3.0, 3.0, 3.0), write=figures.measure)
    assert found is not None
    assert (found.direction, found.difference, found.since_step) == ("down", -1.0, 2)
    assert found.words == "down 1.0000 since step 2"


def test_a_single_spike_makes_no_trend() -> None:
    found = trend.recent(line(*[1.0] * 19, 90.0, *[1.0] * 20), write=figures.measure)
    assert found is not None
    assert found.direction == "level"
    assert found.words.startswith("level since step")


def test_only_the_newest_points_count() -> None:
    found = trend.recent(line(*[9.0] * 500, *[1.0] * 40), write=figures.measure)
    assert found is not None
    assert found.direction == "level"


@pytest.mark.parametrize("hole", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_passed_over(hole: float | None) -> None:
    found = trend.recent(line(2.0, hole, 4.0, hole), write=figures.measure)
    assert found is not None
    assert (found.direction, found.difference) == ("up", 2.0)
    assert trend.best(line(hole, 0.5, hole)) == Best(0.5, 2)
    assert trend.recent(line(hole, hole), write=figures.measure) is None
    assert trend.best(line(hole)) is None


@pytest.mark.parametrize("points", [[], line(1.0)])
def test_one_point_is_no_trend(points: list[tuple[int, float | None]]) -> None:
    assert trend.recent(points, write=figures.measure) is None
    assert trend.since_last(points, write=figures.measure) is None


def test_an_evaluation_is_compared_with_the_one_before() -> None:
    found = trend.since_last([(100, 0.9), (200, 0.5), (300, 0.6)], write=figures.measure)
    assert found is not None
    assert (found.direction, round(found.difference, 9), found.since_step) == ("up", 0.1, 200)
    assert found.words == "up 0.1000 since step 200"


def test_zero_is_a_value() -> None:
    assert trend.best([(1, 0.0), (2, 0.0)]) == Best(0.0, 1)
    found = trend.since_last([(1, 0.0), (2, 0.0)], write=figures.measure)
    assert found is not None
    assert found.direction == "level"
