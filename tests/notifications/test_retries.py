"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.retries import MAX_TRIES, WAITS, next_try

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_waits_span_a_day() -> None:
    assert timedelta(hours=24) < sum(WAITS, timedelta()) < timedelta(hours=30)


@pytest.mark.parametrize("tries", range(1, MAX_TRIES))
def test_each_failure_waits_longer_or_as_long(tries: int) -> None:
    at = next_try(tries=tries, now=NOW, chance=0)
    assert at is not None
    assert at - NOW == WAITS[tries - 1]


def test_chance_lengthens_a_wait_by_a_tenth_at_most() -> None:
    assert next_try(tries=2, now=NOW, chance=1) == NOW + timedelta(minutes=5.5)


def test_the_last_failure_ends_it() -> None:
    assert next_try(tries=MAX_TRIES, now=NOW, chance=0) is None


@pytest.mark.parametrize(("asked_s", "waited"), [(1, 300), (3600, 3600), (10**9, 12 * 3600)])
def test_what_the_receiver_asks_for_is_kept_within_reason(asked_s: float, waited: float) -> None:
    assert next_try(tries=2, now=NOW, chance=0, asked_s=asked_s) == NOW + timedelta(seconds=waited)
