"""How a curve is drawn: places, the smoothed course, the span of its values."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs import curves

values = st.floats(-1e6, 1e6)
weights = st.floats(0, curves.MOST_SMOOTHING)


def test_the_course_is_the_debiased_average_that_tensorboard_documents() -> None:
    last, course = 0.0, []
    for number, value in enumerate([4.0, 2.0, 3.0], start=1):
        last = last * 0.6 + (1 - 0.6) * value
        course.append(last / (1 - 0.6**number))
    assert curves.smoothed([4.0, 2.0, 3.0], [1, 1, 1], 0.6) == pytest.approx(course)


@given(values=st.lists(values, min_size=1, max_size=30), weight=weights)
def test_it_stays_between_what_it_averages(values: list[float], weight: float) -> None:
    course = curves.smoothed(values, [1] * len(values), weight)
    assert all(min(values) - 1e-6 <= each <= max(values) + 1e-6 for each in course if each is not None)
    assert course[0] == pytest.approx(values[0])


def test_without_weight_values_stay_as_they_are() -> None:
    assert curves.smoothed([3.0, 1.0, 2.0], [1, 5, 1], 0.0) == [3.0, 1.0, 2.0]


def test_a_gap_stays_a_gap_and_poisons_nothing() -> None:
    course = curves.smoothed([4.0, None, 2.0], [1, 1, 1], 0.6)
    assert course[1] is None
    assert [course[0], course[2]] == curves.smoothed([4.0, 2.0], [1, 1], 0.6)


@given(value=values, others=values, count=st.integers(2, 200), weight=weights)
def test_a_mean_counts_as_often_as_what_it_stands_for(value: float, others: float, count: int, weight: float) -> None:
    one_by_one = curves.smoothed([value, *[others] * count], [1] * (count + 1), weight)
    at_once = curves.smoothed([value, others], [1, count], weight)
    assert at_once[-1] == pytest.approx(one_by_one[-1], abs=1e-6)


def test_in_a_long_view_the_average_looks_back_further() -> None:
    steps = [float(index % 2) for index in range(100)]
    near = curves.smoothed(steps, [1] * 100, 0.6)
    far = curves.smoothed(steps, [1] * 100, 0.6, in_view=20_000)
    assert abs(near[-1] - 0.5) > 0.1  # type: ignore[operator]  # no gap
    assert abs(far[-1] - 0.5) < 0.05  # type: ignore[operator]


def points(*at: tuple[int, float | None, str | None]) -> list[dict[str, object]]:
    return [{"step": step, "epoch": epoch, "timestamp": time} for step, epoch, time in at]


def test_places_are_steps_epochs_or_seconds_since_the_first() -> None:
    run = points((10, 0.5, "2026-11-23T12:00:00Z"), (20, 1.0, None), (30, None, "2026-11-23T12:01:30Z"))
    assert curves.places(run, "step") == [10, 20, 30]
    assert curves.places(run, "epoch") == pytest.approx([0.5, 1.0, math.nan], nan_ok=True)
    assert curves.places(run, "time") == pytest.approx([0, math.nan, 90], nan_ok=True)


def test_while_a_clock_is_set_back_no_time_passes_and_then_it_does_again() -> None:
    minutes = [30, 31, 0, 1, 5]  # one that was wrong at first does not squeeze all that follows into one place
    run = points(*((step, 1.0, f"2026-11-23T12:{minute:02}:00Z") for step, minute in enumerate(minutes)))
    assert curves.places(run, "time") == [0, 60, 60, 120, 360]


def test_the_span_holds_all_values_unless_it_is_to_clip() -> None:
    usual = [1 + index % 10 / 10 for index in range(1000)]
    (low, high), outside = curves.span([*usual, 900.0], clip=False)
    assert (low < 1, high > 900, outside) == (True, True, 0)
    (low, high), outside = curves.span([*usual, 900.0], clip=True)
    assert (low < 1, high < 3, outside) == (True, True, 1)
    assert curves.span(usual, clip=True) == curves.span(usual, clip=False)


def test_the_span_of_a_log_scale_is_of_what_it_can_show() -> None:
    (low, high), _ = curves.span([0.0, -3.0, 0.1, 10.0], log=True)
    assert (0 < low < 0.1, 10 < high < 30) == (True, True)
    assert curves.span([0.0], log=True) == ((0.1, 1.0), 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (1 / 3, "0.3333"),
        (2.05e-6, "2.05e-6"),
        (2e-4, "2e-4"),
        (-0.0004, "-4e-4"),
        (9999, "9999"),
        (12_500, "12.5k"),
        (2_000_000, "2M"),
        (31_500_000, "31.5M"),
        (2.5e9, "2.5G"),
    ],
)
def test_a_tick_is_short_and_says_what_its_neighbour_does_not(value: float, text: str) -> None:
    assert curves.tick(value) == text


@example(values=[5e-324], log=False, clip=False)
@given(values=st.lists(values, max_size=20), log=st.booleans(), clip=st.booleans())
@example(values=[5e-324], log=False, clip=False)
def test_a_span_has_a_width(values: list[float], log: bool, clip: bool) -> None:
    (low, high), outside = curves.span(values, log=log, clip=clip)
    assert low < high
    assert 0 <= outside < max(1, len(values))
