"""When to try again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.reconcile.backoff import next_slot, retry_at

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def waits(failures: int, **told: float) -> float:
    return (retry_at(NOW, failures=failures, **told) - NOW).total_seconds()


@pytest.mark.parametrize(("failures", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (10_000, 600)])
def test_waits_double_up_to_ten_minutes_with_some_jitter(failures: int, seconds: float) -> None:
    assert seconds <= waits(failures) <= 1.2 * seconds


@pytest.mark.parametrize(("told", "seconds"), [(0.0, 1), (30.0, 30), (10**9, 3600), (-5.0, 1)])
def test_what_the_cluster_told_counts_within_reason(told: float, seconds: float) -> None:
    assert seconds <= waits(9, told_s=told) <= 1.2 * seconds


def test_jobs_that_failed_together_do_not_come_back_together() -> None:
    assert len({waits(5) for _ in range(20)}) > 1


@given(late_s=st.floats(-3, 30, exclude_max=True))
def test_a_poll_of_this_slot_is_due_in_the_next(late_s: float) -> None:
    due = next_slot(NOW, NOW + timedelta(seconds=late_s), 30)
    assert NOW + timedelta(seconds=27) <= due <= NOW + timedelta(seconds=30)


@given(late_s=st.floats(30, 10**6))
def test_after_a_pause_it_is_due_at_the_next_tick_and_only_there(late_s: float) -> None:
    now = NOW + timedelta(seconds=late_s)
    assert now - timedelta(seconds=30) < next_slot(NOW, now, 30) <= now + timedelta(seconds=1e-3)


def test_a_hint_that_comes_long_before_the_slot_moves_it() -> None:
    now = NOW - timedelta(seconds=20)
    assert next_slot(NOW, now, 30) == now + timedelta(seconds=30)
