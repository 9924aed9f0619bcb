"""A submit whose outcome nobody knows: at most one paid cluster job, whatever became of the call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from jobs import reconcile, services
from jobs.exceptions import JobConflict
from jobs.models import BaseModel, Cluster, JobAttempt, TrainingJob
from tests.contracts.wire import reset
from tests.jobs.conftest import (
    MakeJob,
    UseNode,
    at_cluster,
    due_and,
    let_pass,
    submitted,
)
from tests.jobs.scripted import ScriptedCluster, refusing

pytestmark = pytest.mark.django_db

LEVEL_2 = ["idempotent_submit", "lookup", "batch_status", "async_cancel"]


def attempt_of(job: TrainingJob) -> JobAttempt:
    return job.attempts.get(number=job.attempt)


def crashed_after_intent(job: TrainingJob) -> None:
    """What a worker leaves behind that was killed between the intent and the answer."""
    now = timezone.now()
    JobAttempt.objects.create(
        job=job,
        owner=job.owner,
        number=1,
        cluster="default",
        submission_key=f"{job.pk}:1",
        request={
            "base_model": job.base_model.name,
            "hyperparameters": job.hyperparameters,
            "gpu_config": job.gpu_config,
            "dataset_sha256": job.dataset.sha256,
            "max_runtime_s": 100,
        },
        sent_at=now,
    )
    TrainingJob.objects.filter(pk=job.pk).update(submission_key=f"{job.pk}:1")


@contextmanager
def not_recorded() -> Iterator[None]:
    """The database is full when the event is written."""

    def fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('INSERT INTO "job_events"'):
            raise OperationalError("the disk is full")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        yield


# -- Unknown outcomes, level 2 ------------------------------------------------------------------------------


def test_a_crash_between_intent_and_call_is_asked_again_with_the_same_key(
    use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=2)
    job = queued(alice)
    crashed_after_intent(job)
    job = submitted(job)
    assert job.status == "initializing"
    assert node.keys(job) == [f"{job.pk}:1"]
    assert len(node.paid(job)) <= 1


def test_what_an_operator_changes_between_two_tries_does_not_change_the_order(
    use_node: UseNode, queued: MakeJob, alice: User, settings: Any
) -> None:
    node = use_node(level=2)
    job = queued(alice)
    node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
    submitted(job)
    settings.JOB_MAX_RUNTIME_SECONDS = 60
    BaseModel.objects.filter(pk=job.base_model.pk).update(name="renamed")
    job = submitted(job)
    assert job.status == "initializing", job.error_detail
    assert len(set(node.keys(job))) == 1


def test_a_refusal_after_an_unanswered_try_does_not_make_that_try_unsent(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = LEVEL_2
    job = queued(alice)
    crashed_after_intent(job)
    scripted.scripts["/training/submit"] = refusing(429, Retry_After="30")
    job = submitted(job)
    assert attempt_of(job).outcome == "unknown"
    assert job.submission_key
    job = services.job_cancel(user=alice, job_id=job.pk)
    assert job.status == "cancelling"


def test_a_refusal_of_a_try_whose_forerunner_was_taken_adopts_that_one(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = LEVEL_2
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    scripted.scripts["/training/submit"] = refusing(422, code="idempotency_key_reused")
    job = submitted(job)
    assert (job.status, job.external_job_id) == ("initializing", "run-1")


@pytest.mark.parametrize("status", [409, 400])
def test_a_job_that_the_cluster_says_it_has_is_looked_up_and_adopted(
    status: int, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup"]
    job = queued(alice)
    scripted.says("run-9", "queued")
    scripted.listed = [
        {"external_job_id": "run-1", "job_id": str(job.pk), "labels": {"installation": "a neighbour's"}},
        {"external_job_id": "run-2", "job_id": "another", "labels": {}},
        {"external_job_id": "run-9", "job_id": str(job.pk)},
    ]
    scripted.scripts["/training/submit"] = refusing(status, code="already_exists")
    job = submitted(job)
    assert (job.status, job.external_job_id) == ("initializing", "run-9")


def test_with_a_lookup_alone_a_submit_is_repeated_once_it_is_certain_that_nothing_started(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["lookup"]
    job = queued(alice)
    scripted.scripts["/training/submit"] = reset
    submitted(job)
    del scripted.scripts["/training/submit"]
    submitted(job)
    assert len(scripted.submits()) == 1
    let_pass(job, seconds=90)
    job = submitted(job)
    assert job.status == "initializing"
    assert len(scripted.submits()) == 2


# -- Unknown outcomes, level 1 ------------------------------------------------------------------------------


def test_at_level_1_a_crash_between_intent_and_answer_is_never_sent_again(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    crashed_after_intent(job)
    job = submitted(job)
    assert job.current_stage == "submission_unconfirmed"
    assert scripted.submits() == []


def test_an_unconfirmed_job_fails_after_a_quarter_of_an_hour_and_says_where_to_look(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    scripted.takes_and_hangs_up()
    job = submitted(job)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        start = timezone.now()
        while job.status == "queued":
            assert job.next_attempt_at <= start + timedelta(minutes=15)
            clock.move_to(job.next_attempt_at)
            reconcile.submit(job.pk)
            job.refresh_from_db()
        assert timezone.now() - start <= timedelta(minutes=15)
        assert timezone.now() - start > timedelta(minutes=14)
    assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")
    assert len(scripted.submits()) == 1


def test_it_fails_in_time_also_where_the_cluster_has_gone_for_good(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    let_pass(job, minutes=16)
    Cluster.objects.update(open_until=timezone.now() + timedelta(minutes=1), last_error="It is down.")
    assert submitted(job).error_code == "submission_unconfirmed"


def test_staff_attach_the_clusters_job(queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster) -> None:
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    TrainingJob.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))
    with not_recorded(), pytest.raises(OperationalError):
        services.job_attach_external(staff=operator, job=job, external_job_id="run-1")
    assert job.attempts.get().outcome == "unknown", "all of it, or nothing"
    job = services.job_attach_external(staff=operator, job=job, external_job_id="run-1")
    assert (job.status, job.current_stage, job.external_job_id) == ("initializing", "initializing", "run-1")
    assert job.next_poll_at <= timezone.now()
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.external_job_id, attempt.unconfirmed_since) == ("accepted", "run-1", None)
    with pytest.raises(JobConflict):
        services.job_attach_external(staff=operator, job=job, external_job_id="run-2")
    scripted.says("run-1", "running", progress=5)
    reconcile.poll([job.pk])
    job.refresh_from_db()
    assert job.status == "running"


def test_what_staff_attach_to_a_job_that_is_being_cancelled_is_stopped(
    queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    services.job_cancel(user=alice, job_id=job.pk)
    job = services.job_attach_external(staff=operator, job=job, external_job_id="run-1")
    assert (job.status, job.waiting_for) == ("cancelling", "")
    assert job.events.get(message__contains="run-1").actor == "user:operator"
    scripted.says("run-1", "cancelled")
    assert due_and(job, reconcile.release).status == "cancelled"
    assert len(scripted.asked("/training/cancel/run-1")) == 1


def test_staff_cannot_attach_what_belongs_to_another_job(
    queued: MakeJob, alice: User, bob: User, operator: User, scripted: ScriptedCluster
) -> None:
    at_cluster(bob, "run-7")
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    with pytest.raises(JobConflict):
        services.job_attach_external(staff=operator, job=job, external_job_id="run-7")
    TrainingJob.objects.filter(external_job_id="run-7").update(cluster="another")  # which counts for itself
    assert services.job_attach_external(staff=operator, job=job, external_job_id="run-7").external_job_id == "run-7"


def test_staff_declare_that_nothing_started_and_it_is_sent_again(
    queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    scripted.scripts["/training/submit"] = reset
    job = submitted(job)
    TrainingJob.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    asked = {"cluster": "default", "submission_key": "k", "request": {}, "sent_at": timezone.now()}
    earlier = job.attempts.create(number=0, owner=alice, outcome="accepted", **asked)
    with not_recorded(), pytest.raises(OperationalError):
        services.job_declare_not_started(staff=operator, job=job)
    assert job.attempts.get(number=1).outcome == "unknown", "all of it, or nothing"
    services.job_declare_not_started(staff=operator, job=job)
    job.refresh_from_db()
    assert (job.current_stage, job.waiting_for, job.submission_key) == ("queued", "", "")
    assert job.next_attempt_at <= timezone.now()
    earlier.refresh_from_db()
    assert earlier.outcome == "accepted"
    earlier.delete()
    del scripted.scripts["/training/submit"]
    job = submitted(job)
    assert job.status == "initializing"
    assert job.attempts.count() == 1


def test_a_confirmed_job_cannot_be_settled_by_hand(
    queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    job = submitted(queued(alice))
    with pytest.raises(JobConflict):
        services.job_declare_not_started(staff=operator, job=job)


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "under way"])
def test_only_what_nobody_knows_is_settled_by_hand(
    sent: bool, queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    if sent:
        crashed_after_intent(job)  # or about to hear: whoever sent it, or the next one, finds out
    with pytest.raises(JobConflict):
        services.job_declare_not_started(staff=operator, job=job)
    with pytest.raises(JobConflict):
        services.job_attach_external(staff=operator, job=job, external_job_id="run-1")
