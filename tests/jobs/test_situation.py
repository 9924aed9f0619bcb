"""What is going on with a job, whom it waits for, and which of its clocks stands for too long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.monitor.clocks import Seen, clocks
from jobs.monitor.situation import WORDS, Known, Situation, WaitsFor, situation
from jobs.states import Stage, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


TRAINING = Known(
    status=Status.RUNNING,
    stage=Stage.TRAINING,
    step=40,
    due_at=NOW,
    seen=Seen(heard_at=ago(3), beat_at=ago(5), stepped_at=ago(4)),
)
QUEUED = Known(status=Status.QUEUED, stage=Stage.QUEUED, due_at=NOW)


def now(known: Known, **changes: object) -> Situation:
    return situation(replace(known, **changes), now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "waits_for", "says"),
    [
        (QUEUED, WaitsFor.US, "about to be handed"),
        (replace(QUEUED, attempt=2, waiting_for="The machine was lost; attempt 2 of 3."), WaitsFor.US, "was lost"),
        (replace(QUEUED, failures=1, waiting_for="It is full."), WaitsFor.CLUSTER, "It is full."),
        (replace(QUEUED, failures=1, key_is_refused=True), WaitsFor.PERSON, "refuses our key"),
        (replace(QUEUED, stage=Stage.SUBMISSION_UNCONFIRMED), WaitsFor.PERSON, "an operator can look there"),
        (Known(Status.INITIALIZING, Stage.QUEUED_ON_GPU), WaitsFor.QUEUE, "when enough GPUs are free"),
        (Known(Status.INITIALIZING, Stage.INITIALIZING), WaitsFor.CLUSTER, "gets ready"),
        (Known(Status.RUNNING, Stage.PREPROCESSING), WaitsFor.TRAINING, "cut into tokens"),
        (Known(Status.RUNNING, Stage.MODEL_LOADING, stage_detail="Loading shard 2 of 4"), WaitsFor.TRAINING, "shard 2"),
        (Known(Status.RUNNING, "warming_up"), WaitsFor.TRAINING, "busy with: Warming up"),
        (TRAINING, WaitsFor.TRAINING, "Nothing is needed from you"),
        (replace(TRAINING, step=0), WaitsFor.TRAINING, "first step"),
        (replace(TRAINING, stage=Stage.QUEUED_ON_GPU), WaitsFor.TRAINING, "under way"),  # tells no stages
        (replace(TRAINING, failures=1, waiting_for="It is silent."), WaitsFor.CLUSTER, "It is silent."),
        (replace(TRAINING, is_missing=True), WaitsFor.CLUSTER, "we ask again"),
        (replace(TRAINING, stage=Stage.UPLOADING), WaitsFor.STORAGE, "into storage"),
        (replace(TRAINING, run_has_ended=True), WaitsFor.STORAGE, "Training has ended"),
        (replace(TRAINING, status=Status.CANCELLING), WaitsFor.CLUSTER, "has freed the GPUs"),
        (replace(TRAINING, status=Status.CANCELLING, keeps_adapter=True), WaitsFor.CLUSTER, "saves what was learned"),
        (replace(TRAINING, status=Status.CANCELLING, run_has_ended=True), WaitsFor.STORAGE, "The GPUs are free"),
        (replace(TRAINING, status=Status.COMPLETED), WaitsFor.NOBODY, "complete"),
        (replace(TRAINING, status=Status.CANCELLED), WaitsFor.NOBODY, "nothing more is billed"),
        (Known(Status.FAILED, Stage.MODEL_LOADING), WaitsFor.PERSON, "“Model loading”"),
    ],
)
def test_it_says_what_is_going_on_and_whom_the_job_waits_for(known: Known, waits_for: WaitsFor, says: str) -> None:
    found = now(known)
    assert found.waits_for is waits_for
    assert says in found.sentence


def test_everybody_who_may_be_waited_for_has_a_name() -> None:
    assert set(WORDS) == set(WaitsFor)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.CANCELLING])
def test_a_job_that_nobody_looked_after_waits_for_us(status: Status) -> None:
    found = now(TRAINING, status=status, due_at=ago(121))
    assert (found.waits_for, found.is_trouble) == (WaitsFor.US, True)
    assert "workers of this installation may be down" in found.sentence


@pytest.mark.parametrize("changes", [{"due_at": ago(100)}, {"due_at": ago(900), "is_taken": True}])
def test_a_job_that_is_a_little_late_or_in_a_worker_s_hands_is_not_forgotten(changes: dict[str, object]) -> None:
    assert now(TRAINING, **changes).waits_for is WaitsFor.TRAINING


def test_a_run_without_a_new_step_or_a_sign_of_life_is_trouble_only_while_its_cluster_is_heard() -> None:
    silent, still = replace(TRAINING.seen, beat_at=ago(400)), replace(TRAINING.seen, stepped_at=ago(400))
    assert "no sign of life" in now(TRAINING, seen=silent).sentence
    assert "No new step" in now(TRAINING, seen=still).sentence
    assert now(TRAINING, seen=still).is_trouble
    assert not now(TRAINING, seen=replace(still, heard_at=ago(400))).is_trouble


def test_a_clock_is_late_by_the_pace_of_the_installation_and_of_the_run() -> None:
    seen = Seen(heard_at=ago(40), beat_at=ago(40), stepped_at=ago(40))
    quick, slow = clocks(seen, poll_every_s=1), clocks(seen, poll_every_s=30)
    assert quick.cluster.is_late(NOW)
    assert not slow.cluster.is_late(NOW)
    assert quick.step.is_late(NOW)
    assert not clocks(replace(seen, slowest_s=20), poll_every_s=1).step.is_late(NOW)
    assert not clocks(replace(seen, usual_s=2, log_every=10), poll_every_s=1).step.is_late(NOW)


def test_what_is_not_known_is_never_late() -> None:
    found = clocks(Seen(), poll_every_s=30)
    assert not any(clock.is_late(NOW) for clock in (found.cluster, found.heartbeat, found.step))
