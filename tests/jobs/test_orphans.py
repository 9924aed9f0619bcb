"""What a cluster runs for us although nobody follows it: stopped, or reported, and neighbours' jobs left alone."""

import socket
import uuid
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from jobs import reconcile, tasks
from jobs.models import Alert, Installation, JobAttempt, TrainingJob
from jobs.states import TERMINAL, Status
from tests.contracts.wire import Request, reply, reset
from tests.jobs.conftest import TRAINS_FOR_EVER, MakeJob, UseNode, at_cluster, submitted
from tests.jobs.scripted import Json, ScriptedCluster

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def lists(scripted: ScriptedCluster) -> None:
    scripted.features = ["lookup", "billing"]


def our_label() -> str:
    installation, _ = Installation.objects.get_or_create(singleton=True)
    return str(installation.pk)


def runs(scripted: ScriptedCluster, external_id: str, job_id: object, attempt: int | None = 1, **changes: Any) -> None:
    """The cluster runs this, and lists it with our label."""
    scripted.says(external_id, "running", billing={"billable_seconds": 1200, "final": False})
    entry: Json = {
        "external_job_id": external_id,
        "job_id": str(job_id),
        "status": "running",
        "labels": {"installation": our_label(), "job_id": str(job_id)},
    }
    scripted.listed.append({**entry, **({"attempt": attempt} if attempt else {}), **changes})


def ended(owner: User, status: Status = Status.FAILED, external_id: str = "run-1", **changes: Any) -> TrainingJob:
    """A job whose row ended a while ago; its attempt was charged 300 seconds."""
    changes = {"completed_at": timezone.now() - LONG_AGO, **changes}
    job = at_cluster(owner, external_id, status, **changes)
    job.attempts.update(billable_seconds=300)
    return job


def stops(scripted: ScriptedCluster) -> list[str]:
    return [request.path.rpartition("/")[2] for request in scripted.asked("/training/cancel")]


def told() -> list[tuple[str, str]]:
    return list(Alert.objects.order_by("pk").values_list("kind", "subject"))


# -- Stopped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_runs_for_an_ended_job_is_stopped_and_told_with_its_money(
    status: Status, alice: User, scripted: ScriptedCluster
) -> None:
    job = ended(alice, status)
    runs(scripted, "run-1", job.pk)
    tasks.sweep_orphans()
    assert stops(scripted) == ["run-1"]
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.detail) == ("orphan_stopped", "default/run-1", {"job_id": str(job.pk)})
    # 900 seconds on two H100 at 4.20 per hour are in no cost record.
    assert "It has billed 1,200 s so far; $2.10 of that are not in the job's cost." in alert.message
    event = job.events.get(kind="orphan")
    assert (event.message, event.detail) == (alert.message, {"external_job_id": "run-1"})
    job.refresh_from_db()
    assert job.status == status


def test_operators_hear_of_it_once_however_often_it_has_to_be_stopped(alice: User, scripted: ScriptedCluster) -> None:
    job = ended(alice)
    runs(scripted, "run-1", job.pk)
    for _ in range(3):
        reconcile.sweep_orphans()
    assert stops(scripted) == ["run-1"] * 3
    assert told() == [("orphan_stopped", "default/run-1")]
    assert job.events.filter(kind="orphan").count() == 1


@pytest.mark.parametrize("numbered", [True, False])
def test_what_runs_of_an_earlier_attempt_is_stopped(numbered: bool, alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, "run-2", attempt=2)
    job.attempts.update(number=2, submission_key=f"{job.pk}:2")
    attempt = {"submission_key": f"{job.pk}:1", "request": {}, "outcome": "accepted", "sent_at": timezone.now()}
    JobAttempt.objects.create(job=job, owner=alice, number=1, cluster="default", external_job_id="run-1", **attempt)
    runs(scripted, "run-1", job.pk, 1 if numbered else None)
    runs(scripted, "run-2", job.pk, 2 if numbered else None)
    reconcile.sweep_orphans()
    assert stops(scripted) == ["run-1"]
    assert told() == [("orphan_stopped", "default/run-1")]


def test_a_second_run_of_the_same_attempt_is_stopped(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, "run-1")
    runs(scripted, "run-1", job.pk)
    runs(scripted, "run-7", job.pk)
    reconcile.sweep_orphans()
    assert stops(scripted) == ["run-7"]


def test_one_that_cannot_be_stopped_is_told_and_tried_again(alice: User, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-1", ended(alice).pk)
    scripted.scripts["/training/cancel"] = reply(409, {"detail": "not now"})
    for _ in range(2):
        reconcile.sweep_orphans()
    assert told() == [("orphan_found", "default/run-1")]
    assert "could not be stopped yet: The cluster answered 409: not now" in Alert.objects.get().message
    scripted.scripts.clear()
    reconcile.sweep_orphans()
    assert told() == [("orphan_found", "default/run-1"), ("orphan_stopped", "default/run-1")]


def test_one_that_cannot_be_asked_for_does_not_shield_the_others(alice: User, scripted: ScriptedCluster) -> None:
    for number in (1, 2):
        runs(scripted, f"run-{number}", ended(alice, external_id=f"run-{number}").pk)
    scripted.scripts["/training/status/run-1"] = reset
    reconcile.sweep_orphans()
    assert stops(scripted) == ["run-2"]


# -- Reported -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job_id", [uuid.uuid4(), "not-an-id", ""])
def test_what_no_job_knows_is_reported_once_and_never_stopped(job_id: object, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-1", job_id)
    for _ in range(3):
        reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [("orphan_found", "default/run-1")])


def test_an_attempt_that_has_not_been_made_yet_is_reported(alice: User, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-9", at_cluster(alice, "run-1").pk, 3)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [("orphan_found", "default/run-9")])


# -- Left alone ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [{}, {"installation": str(uuid.uuid4())}, {"installation": ""}, None])
def test_a_neighbours_job_is_never_touched(labels: Json | None, alice: User, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-1", ended(alice).pk, labels=labels)
    runs(scripted, "run-2", uuid.uuid4(), labels=labels)
    reconcile.sweep_orphans()
    assert (stops(scripted), told(), scripted.asked("/training/status")) == ([], [], [])


def test_what_is_followed_is_left_alone(alice: User, scripted: ScriptedCluster) -> None:
    for number, status in enumerate((Status.INITIALIZING, Status.RUNNING, Status.CANCELLING)):
        runs(scripted, f"run-{number}", at_cluster(alice, f"run-{number}", status).pk)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [])


def test_a_run_that_a_living_job_follows_is_not_stopped_for_a_job_that_it_is_listed_for(
    alice: User, scripted: ScriptedCluster
) -> None:
    at_cluster(alice, "run-1")
    runs(scripted, "run-1", ended(alice, external_id="run-0").pk)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [("orphan_found", "default/run-1")])


@pytest.mark.parametrize("outcome", ["sending", "unknown", "not_sent"])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.CANCELLING])
@pytest.mark.parametrize("numbered", [True, False])
def test_a_submission_under_way_is_no_orphan(
    numbered: bool, status: Status, outcome: str, alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    attempt = {"submission_key": f"{job.pk}:1", "request": {}, "outcome": outcome, "sent_at": timezone.now()}
    JobAttempt.objects.create(job=job, owner=alice, number=1, cluster="default", **attempt)
    TrainingJob.objects.filter(pk=job.pk).update(status=status)
    runs(scripted, "run-1", job.pk, 1 if numbered else None)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [])


def test_a_job_that_ended_just_now_is_left_until_the_next_sweep(alice: User, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-1", ended(alice, completed_at=timezone.now() - timedelta(seconds=30)).pk)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [])


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled", None])
def test_one_that_has_ended_since_it_was_listed_is_no_orphan(
    state: str | None, alice: User, scripted: ScriptedCluster
) -> None:
    runs(scripted, "run-1", ended(alice).pk)
    if state is None:
        del scripted.jobs["run-1"]
    else:
        scripted.says("run-1", state)
    reconcile.sweep_orphans()
    assert (stops(scripted), told()) == ([], [])


def test_ended_jobs_in_the_list_are_passed_over(alice: User, scripted: ScriptedCluster) -> None:
    runs(scripted, "run-1", ended(alice).pk, status="completed")
    reconcile.sweep_orphans()
    assert stops(scripted) == []


@pytest.mark.parametrize("features", [None, ["batch_status", "idempotent_submit"]])
def test_a_cluster_that_lists_nothing_is_not_asked(
    features: list[str] | None, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = features
    runs(scripted, "run-1", ended(alice).pk)
    reconcile.sweep_orphans()
    assert (stops(scripted), scripted.asked("/training/jobs")) == ([], [])


@pytest.mark.parametrize("fault", [reset, reply(500), reply(200, "garbage"), reply(404)])
def test_a_cluster_in_trouble_is_no_error(fault: Any, scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/jobs"] = fault
    reconcile.sweep_orphans()
    assert told() == []


def test_every_page_is_looked_at(alice: User, scripted: ScriptedCluster) -> None:
    for number in (1, 2, 3):
        runs(scripted, f"run-{number}", ended(alice, external_id=f"run-{number}").pk)

    def page(connection: socket.socket, request: Request) -> None:
        after = int(request.target.partition("after=")[2] or 0)
        body = {"jobs": scripted.listed[after : after + 1], "next": str(after + 1), "has_more": after < 2}
        reply(200, body)(connection, request)

    scripted.scripts["/training/jobs"] = page
    reconcile.sweep_orphans()
    assert stops(scripted) == ["run-1", "run-2", "run-3"]


# -- A real node --------------------------------------------------------------------------------------------


def test_a_real_run_of_an_ended_job_is_stopped_and_its_neighbour_trains_on(
    use_node: UseNode, queued: MakeJob, alice: User, bob: User
) -> None:
    node = use_node(level=2)
    job, neighbour = queued(alice), queued(bob)
    for each in (job, neighbour):
        node.fault("job", TRAINS_FOR_EVER, job=each)
    job = submitted(job)
    Installation.objects.all().delete()  # from here on, another installation
    neighbour = submitted(neighbour)
    Installation.objects.all().delete()
    Installation.objects.create(pk=label_of(node, job))
    for each in (job, neighbour):
        TrainingJob.objects.filter(pk=each.pk).update(status="failed", completed_at=timezone.now() - LONG_AGO)
    reconcile.sweep_orphans()
    assert node.cancels(job) == 1
    assert node.cancels(neighbour) == 0
    assert told() == [("orphan_stopped", f"default/{job.external_job_id}")]


def label_of(node: Any, job: TrainingJob) -> str:
    """The installation's label under which the node runs the job."""
    answer = requests.get(
        f"{node.url}/training/jobs",
        params={"job_id": str(job.pk)},
        headers={"Authorization": f"Bearer {node.api_key}"},
        timeout=20,
    )
    label: str = answer.json()["jobs"][0]["labels"]["installation"]
    return label


def test_beat_looks_for_orphans() -> None:
    row = PeriodicTask.objects.get(task=tasks.sweep_orphans.name)
    assert (row.enabled, row.interval.every, row.expire_seconds) == (True, 300, 300)
