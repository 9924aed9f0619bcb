"""The way of an attempt as a row of phases, from its timeline."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.monitor.phases import Moment, Phase, State, phase_of, phases
from jobs.states import Stage, Status

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WAY = [
    (0, Status.QUEUED, ""),
    (5, Status.INITIALIZING, ""),
    (6, "", Stage.QUEUED_ON_GPU),
    (66, "", Stage.PREPROCESSING),
    (76, "", Stage.MODEL_LOADING),
    (96, Status.RUNNING, ""),
    (96, "", Stage.TRAINING),
    (396, "", Stage.SAVING),
    (400, "", Stage.UPLOADING),
    (410, "", Stage.FINALIZATION),
]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(until: int, status: Status, stage: Stage, *, now: float, ended: float | None = None) -> dict[str, Phase]:
    """The row after the first events of WAY, by the phases' names."""
    moments = [Moment(at(second), status, stage) for second, status, stage in WAY[:until]]
    ended_at = None if ended is None else at(ended)
    found = phases(moments, status=status, stage=stage, ended_at=ended_at, now=at(now))
    return {phase.name: phase for phase in found}


def test_each_phase_has_the_time_spent_in_it() -> None:
    found = row(10, Status.COMPLETED, Stage.COMPLETED, now=9999, ended=412)
    assert {name: phase.seconds for name, phase in found.items()} == {
        "queued": 5.0,
        "cluster_queue": 60.0,
        "preparing": 11.0,
        "loading": 20.0,
        "training": 300.0,
        "saving": 14.0,
        "finalization": 2.0,
        "done": None,
    }
    assert {phase.state for phase in found.values()} == {State.DONE}


def test_the_present_phase_is_marked_and_counts_on() -> None:
    found = row(7, Status.RUNNING, Stage.TRAINING, now=126)
    assert (found["training"].state, found["training"].seconds, found["training"].since) == (
        State.CURRENT,
        30.0,
        at(96),
    )
    assert found["loading"].state is State.DONE
    assert (found["saving"].state, found["saving"].seconds) == (State.TO_COME, None)


@pytest.mark.parametrize(("status", "state"), [(Status.FAILED, State.FAILED), (Status.CANCELLED, State.STOPPED)])
def test_a_job_that_ended_before_its_time_shows_in_which_phase(status: Status, state: State) -> None:
    found = row(5, status, Stage.MODEL_LOADING, now=9999, ended=80)
    assert (found["loading"].state, found["loading"].seconds) == (state, 4.0)
    assert found["training"].state is State.NOT_REACHED


def test_a_queue_that_the_job_never_stood_in_is_left_out() -> None:
    assert "cluster_queue" not in row(2, Status.INITIALIZING, Stage.INITIALIZING, now=6)
    assert "cluster_queue" in row(3, Status.INITIALIZING, Stage.QUEUED_ON_GPU, now=6)


@pytest.mark.parametrize(
    ("status", "stage", "name"),
    [
        (Status.RUNNING, Stage.QUEUED_ON_GPU, "training"),  # the cluster tells no stages
        (Status.INITIALIZING, "warming_up", "preparing"),
        (Status.RUNNING, "annealing", "training"),
        (Status.COMPLETED, Stage.FINALIZATION, "done"),
        (Status.QUEUED, Stage.SUBMISSION_UNCONFIRMED, "queued"),
    ],
)
def test_every_stage_belongs_to_a_phase(status: str, stage: str, name: str) -> None:
    assert phase_of(status, stage) == name


def test_without_a_timeline_there_are_phases_without_times() -> None:
    found = phases([], status=Status.RUNNING, stage=Stage.TRAINING, ended_at=None, now=START)
    assert [phase.seconds for phase in found] == [None] * len(found)
