"""Fewer points, none of the extremes lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import downsample
from jobs.downsample import Floats

values = st.floats(allow_nan=True, allow_infinity=False, width=64)
COLUMNS = st.integers(51, 400).flatmap(
    lambda length: st.lists(st.lists(values, min_size=length, max_size=length), min_size=1, max_size=6)
)


@given(columns=COLUMNS, max_points=st.integers(50, 120))
def test_ends_and_the_extremes_of_every_series_survive(columns: list[list[float]], max_points: int) -> None:
    series = [np.array(column) for column in columns]
    kept = downsample.extremes(series, max_points)
    assert len(kept) <= max_points
    assert list(kept) == sorted(set(kept.tolist()))
    assert (kept[0], kept[-1]) == (0, len(series[0]) - 1)
    for column in series:
        if not np.isnan(column).all():
            assert np.nanmin(column) == np.nanmin(column[kept])
            assert np.nanmax(column) == np.nanmax(column[kept])


def test_few_points_are_all_kept() -> None:
    assert downsample.extremes([np.arange(50.0)], 50).tolist() == list(range(50))
    assert downsample.extremes([np.empty(0)], 50).tolist() == []


def test_a_spike_in_each_tenth_survives() -> None:
    loss = np.ones(100_000)
    spikes = list(range(5_000, 100_000, 10_000))
    loss[spikes] = 9.0
    assert set(spikes) <= set(downsample.extremes([loss], 100).tolist())


def test_rare_values_are_not_crowded_out_by_the_others() -> None:
    rng = np.random.default_rng(1)
    validation = np.full(100_000, np.nan)
    validation[::1000] = rng.random(100)
    others: list[Floats] = [rng.random(100_000) for _ in range(3)]
    kept = downsample.extremes([*others, validation], 1000)
    assert np.isfinite(validation[kept]).sum() == 100


def test_the_room_is_used() -> None:
    rng = np.random.default_rng(1)
    assert len(downsample.extremes([rng.random(100_000) for _ in range(6)], 1000)) > 900


def test_the_same_points_give_the_same_choice() -> None:
    column = np.random.default_rng(1).random(10_000)
    assert np.array_equal(downsample.extremes([column], 200), downsample.extremes([column.copy()], 200))


@pytest.mark.parametrize("length", [1_500, 30_000, 99_950])
def test_a_curve_that_grows_keeps_nearly_all_that_was_chosen(length: int) -> None:
    rng = np.random.default_rng(1)
    columns = [rng.random(length + 100) for _ in range(5)]
    columns.append(np.where(np.arange(length + 100) % 100 == 0, columns[0], np.nan))
    before = set(downsample.extremes([column[:length] for column in columns], 1000).tolist())
    others = 0
    for grown in range(length + 1, length + 101):
        after = set(downsample.extremes([column[:grown] for column in columns], 1000).tolist())
        others += len(after - before)
        before = after
    assert others < 1000  # each new row, and once in a while a chart that is cut anew


def test_a_series_without_any_value_takes_no_room() -> None:
    kept = downsample.extremes([np.arange(1000.0), np.full(1000, np.nan)], 100)
    assert len(kept) > 90


def test_too_few_points_to_keep_the_extremes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 50"):
        downsample.extremes([np.arange(1000.0)], 49)


@given(columns=COLUMNS, max_points=st.integers(50, 120))
def test_what_is_left_out_is_counted_and_averaged_exactly_once(columns: list[list[float]], max_points: int) -> None:
    series = [np.array(column) for column in columns]
    kept = downsample.extremes(series, max_points)
    counts = downsample.counts(kept)
    assert counts.sum() == len(series[0])
    column = np.clip(series[0], -1e6, 1e6)
    edges = np.cumsum(counts)
    for mean, piece in zip(downsample.means(column, kept), np.split(column, edges[:-1]), strict=True):
        expected = np.nan if np.isnan(piece).all() else np.nanmean(piece)
        np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-9)
