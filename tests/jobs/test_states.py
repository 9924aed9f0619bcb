"""The transition table, pair by pair."""

import pytest

from jobs.states import ACTIVE, CANCELLABLE, TERMINAL, Status, is_legal

# A row for each status a job may be in; a mark under each status that it may go to.
TABLE = """
               queued initializing running cancelling completed failed cancelled
queued           .         x          x        x          .        x       x
initializing     x         .          x        x          x        x       x
running          x         .          .        x          x        x       x
cancelling       .         .          .        .          x        x       x
completed        .         .          .        .          .        .       .
failed           .         .          .        .          .        .       .
cancelled        .         .          .        .          .        .       .
"""

_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
PAIRS = [(source, target, mark == "x") for source, *marks in _ROWS for target, mark in zip(_HEAD, marks, strict=True)]


def test_the_table_knows_every_pair() -> None:
    assert {(source, target) for source, target, _ in PAIRS} == {(s.value, t.value) for s in Status for t in Status}


@pytest.mark.parametrize(("source", "target", "legal"), PAIRS)
def test_a_job_goes_where_the_table_lets_it(source: str, target: str, legal: bool) -> None:
    assert is_legal(source, target) is legal


def test_nothing_leads_out_of_a_terminal_status() -> None:
    assert {source for source in Status if not any(is_legal(source, target) for target in Status)} == TERMINAL


def test_every_active_status_can_end() -> None:
    assert all(is_legal(source, Status.FAILED) and is_legal(source, Status.CANCELLED) for source in ACTIVE)


def test_what_can_be_cancelled_is_active_and_not_cancelling_already() -> None:
    assert ACTIVE - {Status.CANCELLING} == CANCELLABLE
