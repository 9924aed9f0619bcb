"""What the API says of how it stands with a job: the sentence, the clocks, the trends, the phases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.models import JobAttempt, TrainingJob
from jobs.states import Stage, Status
from tests import factories
from tests.factories import NOW

Api = Callable[[User], APIClient]

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def job(alice: User) -> TrainingJob:
    """It was heard of four seconds before LATER, and made its last step two seconds earlier."""
    job = factories.job(
        alice,
        next_poll_at=LATER + timedelta(seconds=26),
        current_step=40,
        estimated_completion_at=LATER - timedelta(seconds=4) + timedelta(hours=1),
    )
    memory = {"at_step": 40, "moved_at": (LATER - timedelta(seconds=6)).isoformat(), "slowest_s": 31.0}
    JobAttempt.objects.filter(job=job).update(last_seen_at=LATER - timedelta(seconds=4), sentinel_state=memory)
    return job


def ask(api: Api, job: TrainingJob, **headers: str) -> Any:
    return api(job.owner).get(f"/api/jobs/{job.pk}", headers=headers)


@time_machine.travel(LATER, tick=False)
def test_it_says_what_is_going_on_with_three_clocks(api: Api, job: TrainingJob) -> None:
    said = ask(api, job).json()["data"]["situation"]
    assert said["sentence"] == "Training is under way. Nothing is needed from you."
    assert (said["waits_for"], said["is_trouble"]) == ("training", False)
    assert said["clocks"] == {
        "cluster": {"at": "2026-11-23T12:04:56Z", "seconds_ago": 4.0, "normal_seconds": 75.0},
        "heartbeat": {"at": None, "seconds_ago": None, "normal_seconds": 120.0},
        "step": {"at": "2026-11-23T12:04:54Z", "seconds_ago": 6.0, "normal_seconds": 93.0},
    }


@time_machine.travel(LATER, tick=False)
def test_the_cost_is_projected_to_the_end_by_the_eta(api: Api, job: TrainingJob) -> None:
    assert ask(api, job).json()["data"]["situation"]["projected_cost"] == 8.82  # $0.42 and an hour of two H100
    TrainingJob.objects.update(gpu_price_per_hour=None)
    assert ask(api, job).json()["data"]["situation"]["projected_cost"] is None


def test_nothing_is_sent_again_until_the_sentence_is_another(api: Api, job: TrainingJob) -> None:
    with time_machine.travel(LATER, tick=False):
        etag = ask(api, job)["ETag"]
    with time_machine.travel(LATER + timedelta(seconds=40), tick=False):
        assert ask(api, job, **{"If-None-Match": etag}).status_code == 304
    with time_machine.travel(LATER + timedelta(minutes=5), tick=False):
        said = ask(api, job, **{"If-None-Match": etag}).json()["data"]["situation"]
    assert said["waits_for"] == "us"


def test_an_ended_job_has_no_clocks_and_no_projection(api: Api, alice: User) -> None:
    said = ask(api, factories.job(alice, Status.COMPLETED)).json()["data"]["situation"]
    assert [clock["at"] for clock in said["clocks"].values()] == [None, None, None]
    assert said["projected_cost"] is None
    assert said["waits_for"] == "nobody"


def test_trends_are_those_of_the_points_that_count(api: Api, alice: User) -> None:
    job = factories.job(alice)
    factories.points(job, {step: {"training_loss": 9.0, "validation_loss": 0.1} for step in (30, 40)})
    # A second attempt went on from step 20: what the first one saw beyond it is superseded.
    losses = {21: {"training_loss": 4.0}, 22: {"training_loss": 3.0, "validation_loss": 0.5}}
    factories.points(job, {**losses, 31: {"validation_loss": 0.4, "throughput": 900.0}}, attempt=2)
    trends = ask(api, job).json()["data"]["trends"]
    assert (trends["training_loss"]["direction"], trends["training_loss"]["difference"]) == ("down", -1.0)
    assert trends["validation_loss"]["words"] == "down 0.1000 since step 22"
    assert trends["best_validation_loss"] == {"value": 0.4, "step": 31}
    assert trends["throughput"] is None


def test_a_job_without_points_has_no_trends(api: Api, alice: User) -> None:
    assert set(ask(api, factories.job(alice)).json()["data"]["trends"].values()) == {None}


@time_machine.travel(LATER, tick=False)
def test_the_timeline_comes_with_the_phases(api: Api, alice: User) -> None:
    with time_machine.travel(NOW, tick=False):
        job = factories.job(alice, Status.QUEUED)
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        factories.event(job, to_status=Status.INITIALIZING, kind="status")
        factories.event(job, kind="stage", detail={"stage": "queued_on_gpu"})
    TrainingJob.objects.update(status=Status.INITIALIZING, current_stage=Stage.QUEUED_ON_GPU)
    phases = api(alice).get(f"/api/jobs/{job.pk}/events").json()["data"]["phases"]
    assert [(phase["name"], phase["state"], phase["seconds"]) for phase in phases[:3]] == [
        ("queued", "done", 60.0),
        ("cluster_queue", "current", 240.0),
        ("preparing", "to_come", None),
    ]
    assert phases[1]["since"] == "2026-11-23T12:01:00Z"
