"""Cancelling: the cluster's job ends, and until the cluster says so we say `cancelling`."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import reconcile, services
from jobs.exceptions import JobConflict, JobNotFound
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories
from tests.contracts.wire import reset
from tests.jobs.conftest import TRAINS_FOR_EVER, MakeJob, UseNode, at_cluster, due_and, let_pass, work_until
from tests.jobs.nodes import Node
from tests.jobs.scripted import ScriptedCluster, refusing

pytestmark = pytest.mark.django_db


def cancelled_by(owner: User, job: TrainingJob) -> TrainingJob:
    return services.job_cancel(user=owner, job_id=job.pk)


def released(job: TrainingJob) -> TrainingJob:
    return due_and(job, reconcile.release)


def training(node: Node, job: TrainingJob) -> TrainingJob:
    """The job, running at the node until it is told to stop."""
    node.fault("job", TRAINS_FOR_EVER, job=job)
    return work_until(job, "running")


# -- The command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.INITIALIZING, Status.RUNNING])
def test_a_second_cancel_changes_nothing(status: Status, alice: User) -> None:
    job = factories.job(alice, status)
    first, second = cancelled_by(alice, job), cancelled_by(alice, job)
    assert (first.status, second.status) == ("cancelling", "cancelling")
    assert first.cancel_requested_at == second.cancel_requested_at
    assert job.events.filter(to_status="cancelling").count() == 1


def test_a_cancel_is_due_at_once_however_long_the_job_was_to_be_left_alone(alice: User) -> None:
    later = timezone.now() + timedelta(hours=1)
    job = at_cluster(alice, next_poll_at=later, poll_failures=9)
    job = cancelled_by(alice, job)
    assert reconcile.select(timezone.now()).release == [job.pk]
    assert job.poll_failures == 0


def test_a_cancelled_job_can_be_cancelled_again(alice: User) -> None:
    job = factories.job(alice, Status.CANCELLED)
    assert cancelled_by(alice, job).status == "cancelled"


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_what_has_ended_cannot_be_cancelled(status: Status, alice: User) -> None:
    with pytest.raises(JobConflict) as caught:
        cancelled_by(alice, factories.job(alice, status))
    assert caught.value.details == {"status": status.value}


def test_nobody_cancels_anothers_job(alice: User, bob: User) -> None:
    with pytest.raises(JobNotFound):
        cancelled_by(bob, factories.job(alice, Status.RUNNING))


def test_staff_cancel_anybodys_job_under_their_own_name(alice: User, operator: User) -> None:
    job = services.job_cancel_by_staff(staff=operator, job=factories.job(alice, Status.RUNNING))
    assert job.cancel_requested_by == "user:operator"


def test_who_stopped_a_job_gives_it_back_with_what_the_cluster_said_of_it(
    scripted: ScriptedCluster, alice: User
) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    scripted.says("run-1", "running")
    with CaptureQueriesContext(connection) as told:
        reconcile.release(job.pk)
    job.refresh_from_db()
    assert (job.status, job.lease_token, job.lease_expires_at) == ("cancelling", None, None)
    leases = [query["sql"] for query in told if query["sql"].startswith('UPDATE "training_jobs" SET "lease_token"')]
    assert len(leases) == 1  # where it was taken


def test_a_hint_about_a_job_that_is_being_cancelled_waits_for_no_lock(alice: User) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    with CaptureQueriesContext(connection) as asked:
        reconcile.poll([job.pk])
    assert [query["sql"][:6] for query in asked] == ["SELECT"]


# -- Until the cluster says so ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2])
def test_the_cost_clock_stops_with_the_gpus(level: int, use_node: UseNode, queued: MakeJob, alice: User) -> None:
    node = use_node(level=level)
    job = cancelled_by(alice, training(node, queued(alice)))
    assert job.status == "cancelling"
    job = work_until(job, "cancelled")
    assert job.final_cost == job.cost_records.get().amount
    assert job.cost_is_estimate is (level == 1)
    if level == 2:
        billed = node.status(job)["billing"]["billable_seconds"]
        assert job.attempts.get().billable_seconds == pytest.approx(billed, abs=0.01)


def test_it_is_cancelled_once_the_gpus_are_free_and_not_before(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = ["batch_status", "async_cancel"]
    job = cancelled_by(alice, at_cluster(alice))
    scripted.says("run-1", "cancelled")
    job = released(job)
    assert (job.status, "freed" in job.waiting_for) == ("cancelling", True)
    scripted.says("run-1", "cancelled", released_at="2026-11-23T12:00:00Z")
    assert released(job).status == "cancelled"


def test_a_cancel_is_asked_for_once_while_the_cluster_works_on_it_and_again_after_a_minute(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    scripted.says("run-1", "running")
    for _ in range(3):
        job = released(job)
    assert len(scripted.asked("/training/cancel")) == 1
    let_pass(job, minutes=3)
    job = released(job)
    assert len(scripted.asked("/training/cancel")) == 2
    assert job.status == "cancelling"
    assert [warning["code"] for warning in job.warnings] == ["cancel_ignored"]


def test_a_cluster_in_trouble_is_not_pressed(alice: User, scripted: ScriptedCluster) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    scripted.scripts["/training/cancel"] = refusing(429, Retry_After="60")
    scripted.says("run-1")
    for _ in range(5):
        reconcile.release(job.pk)
    assert len(scripted.asked("/training/cancel")) == 1


@pytest.mark.parametrize("state", ["failed", "completed"])
def test_a_refusal_to_stop_what_has_ended_is_no_reason_to_wait(
    state: str, alice: User, scripted: ScriptedCluster
) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    scripted.says("run-1", state)
    scripted.scripts["/training/cancel"] = refusing(409, code="already_ended")
    assert released(job).status == state


def test_a_cancel_during_finalization_loses_no_adapter(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    job = queued(alice)
    while job.current_stage != "finalization":
        due_and(job, reconcile.submit)
        due_and(job, lambda pk: reconcile.poll([pk]))
    job = cancelled_by(alice, job)
    assert job.status == "cancelling"
    assert reconcile.select(timezone.now()).collect == [job.pk]
    assert work_until(job, "completed").artifact.status == "ready"


def test_a_run_that_ignores_the_stop_stays_cancelling(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    node = use_node(level=2)
    job = queued(alice)
    node.fault("job", {"outcome": {"kind": "ignores_stop", "at_step": 1}}, job=job)
    reconcile.submit(job.pk)
    cancelled_by(alice, job)
    for _ in range(3):
        job = released(job)
    assert job.status == "cancelling"


def test_a_job_that_was_stopped_by_others_says_so(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", "cancelled")
    reconcile.poll([job.pk])
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("cancelled", "stopped_at_cluster")


def test_a_job_that_the_cluster_forgot_while_it_was_cancelled_is_lost_and_not_called_stopped(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = cancelled_by(alice, at_cluster(alice))
    for _ in range(4):
        job = released(job)
        assert job.status == "cancelling"
    let_pass(job, minutes=4)
    job = released(job)
    assert (job.status, job.error_code) == ("failed", "lost")
    assert job.cost_records.count() == 1


# -- Nobody knows whether it was taken ----------------------------------------------------------------------


def unanswered(job: TrainingJob, scripted: ScriptedCluster) -> TrainingJob:
    """The job after a submit whose answer got lost, when it was cancelled."""
    job = due_and(job, reconcile.submit)
    assert job.current_stage == "submission_unconfirmed"
    return services.job_cancel(user=job.owner, job_id=job.pk)


def test_a_job_that_may_have_been_taken_is_looked_up_adopted_and_stopped(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup", "idempotent_submit"]
    scripted.takes_and_hangs_up()
    job = unanswered(queued(alice), scripted)
    scripted.says("run-1", "cancelled")
    job = released(job)
    assert (job.status, job.external_job_id) == ("cancelled", "run-1")
    assert len(scripted.asked("/training/cancel/run-1")) == 1


def test_it_is_cancelled_once_the_lookup_is_certain_that_there_is_none(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup", "idempotent_submit"]
    scripted.scripts["/training/submit"] = reset
    job = unanswered(queued(alice), scripted)
    assert released(job).status == "cancelling"
    let_pass(job, seconds=90)
    job = released(job)
    assert (job.status, str(job.final_cost)) == ("cancelled", "0.00")


def test_a_submission_that_died_with_its_worker_is_not_called_under_way_once_the_job_is_cancelled(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup"]
    scripted.scripts["/training/submit"] = reset
    job = unanswered(queued(alice), scripted)
    job.attempts.update(outcome="sending")  # as a worker leaves it that is killed before it hears anything
    let_pass(job, seconds=90)
    job = released(job)
    assert (job.status, job.attempts.get().outcome) == ("cancelled", "not_sent")


def test_however_often_it_is_told_a_cancel_of_what_may_have_been_taken_keeps_its_pace(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup", "idempotent_submit"]
    scripted.scripts["/training/submit"] = reset
    job = unanswered(queued(alice), scripted)
    lookups = len(scripted.asked("/training/jobs"))
    for _ in range(10):
        reconcile.release(job.pk)
    assert len(scripted.asked("/training/jobs")) == lookups + 1
    for _ in range(10):
        job = released(job)
    # GPUs may be running that nobody wants any more.
    assert job.next_poll_at <= timezone.now() + timedelta(seconds=72)


@pytest.mark.parametrize("features", [None, ["idempotent_submit"]], ids=["level 1", "no lookup"])
def test_where_nothing_can_be_looked_up_it_fails_after_a_quarter_of_an_hour(
    features: list[str] | None, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = features
    scripted.scripts["/training/submit"] = reset
    job = unanswered(queued(alice), scripted)
    assert released(job).status == "cancelling"
    let_pass(job, minutes=16)
    job = released(job)
    assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")
    assert len(scripted.submits()) == 1


def test_staff_who_know_that_nothing_started_end_it(
    queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = reset
    job = unanswered(queued(alice), scripted)
    released(job)
    assert services.job_declare_not_started(staff=operator, job=job).status == "cancelled"
