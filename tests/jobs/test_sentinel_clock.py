"""The sentinel's clock: a run that stands still, a run without a heartbeat; by our own clock, and by change alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import sentinel
from jobs.sentinel import Finding, Memory

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = 60


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def stands(
    minutes: float, *, step: int | None = 40, log_every: int = 1, trains: bool = True, memory: Memory | None = None
) -> list[Finding]:
    """What is found while a run is looked at every 30 s, at one step for so long."""
    memory = memory or Memory()
    looks = range(0, int(minutes * MINUTE) + 1, 30)
    seen = [sentinel.progress(memory, now=after(s), step=step, trains=trains, log_every=log_every) for s in looks]
    return [finding for finding in seen if finding is not None]


def test_a_run_that_stands_still_for_half_an_hour_is_told_once() -> None:
    assert stands(29.5) == []
    [told] = stands(90)
    assert (told.kind, told.step, told.message) == (
        "no_progress",
        40,
        "No new step for 30 minutes: the run stands at step 40.",
    )


def test_the_first_step_may_take_twice_as_long() -> None:
    assert stands(59, step=0) == []
    assert len(stands(61, step=0)) == 1


def test_a_run_that_seldom_logs_is_given_the_time_for_it() -> None:
    assert stands(99, log_every=100) == []
    assert len(stands(101, log_every=100)) == 1


def test_a_run_that_is_known_to_be_slow_is_given_five_times_its_longest_wait() -> None:
    memory = Memory()
    assert stands(20, step=39, memory=memory) == []  # an evaluation
    assert stands(95, step=40, memory=memory) == []
    assert memory.slowest_s == 20 * MINUTE


def test_no_step_is_expected_in_other_stages_and_the_clock_starts_after_them() -> None:
    memory = Memory()
    assert stands(600, trains=False, memory=memory) == []
    assert stands(29, memory=memory) == []


def test_a_cluster_that_tells_no_step_is_not_suspected() -> None:
    assert stands(600, step=None) == []


def test_what_happened_while_nobody_looked_is_no_slow_step() -> None:
    memory = Memory()
    sentinel.progress(memory, now=NOON, step=10, trains=True)
    # Our workers were down for a day; the run went on meanwhile.
    assert sentinel.progress(memory, now=after(86_400), step=5000, trains=True) is None
    assert memory.slowest_s == 0


@given(st.lists(st.tuples(st.floats(1, 1500), st.integers(1, 50)), min_size=1, max_size=60))
def test_a_run_that_moves_within_every_half_hour_is_never_suspected(looks: list[tuple[float, int]]) -> None:
    memory, now, step = Memory(), 0.0, 1
    for seconds, steps in looks:
        now, step = now + seconds, step + steps
        assert sentinel.progress(memory, now=after(now), step=step, trains=True) is None


@pytest.mark.parametrize("clock_is_off_s", [0, -86_400, 86_400])
def test_a_heartbeat_that_stays_is_told_once_whatever_the_clusters_clock_says(clock_is_off_s: float) -> None:
    memory, beat = Memory(), after(clock_is_off_s)
    seen = [sentinel.heartbeat(memory, now=after(s), beat=beat) for s in range(0, 1201, 30)]
    [told] = [finding for finding in seen if finding is not None]
    assert (told.kind, told.message) == ("no_heartbeat", "No sign of life from the run for 10 minutes.")
    assert seen[19] is None


def test_a_heartbeat_that_moves_is_one_however_seldom_we_look() -> None:
    memory = Memory()
    for minute in range(0, 600, 45):
        assert sentinel.heartbeat(memory, now=after(minute * MINUTE), beat=after(minute)) is None


def test_a_cluster_without_heartbeats_is_not_suspected() -> None:
    memory = Memory()
    for minute in range(0, 600, 5):
        assert sentinel.heartbeat(memory, now=after(minute * MINUTE), beat=None) is None
