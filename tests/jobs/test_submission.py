"""Submitting: at most one paid cluster job per attempt, whatever becomes of the call."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import lifecycle, reconcile, services
from jobs.clusters import registry
from jobs.exceptions import JobConflict
from jobs.models import BaseModel, Cluster, JobAttempt, TrainingJob
from jobs.reconcile import submission
from jobs.states import Status
from tests.contracts.wire import Script, reply, reset
from tests.jobs.conftest import TRAINS_FOR_EVER, MakeJob, Meanwhile, UseNode, at_cluster, due_and, let_pass, work_until
from tests.jobs.nodes import IMPATIENT
from tests.jobs.scripted import ScriptedCluster, refusing
from tests.servers import TestBuckets

pytestmark = pytest.mark.django_db

LEVEL_2 = ["idempotent_submit", "lookup", "batch_status", "async_cancel"]


def submitted(job: TrainingJob) -> TrainingJob:
    return due_and(job, reconcile.submit)


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


# -- The plain way ------------------------------------------------------------------------------------------


def test_a_taken_job_keeps_the_clusters_id(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    job = submitted(queued(alice))
    assert (job.status, job.external_job_id, job.waiting_for) == ("initializing", "run-1", "")
    assert attempt_of(job).outcome == "accepted"


def test_the_intent_is_stored_before_the_cluster_answers(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, meanwhile: Meanwhile
) -> None:
    job = queued(alice)
    stored: list[tuple[str, str]] = []
    meanwhile(lambda: stored.extend(JobAttempt.objects.values_list("submission_key", "outcome")))
    submitted(job)
    assert stored == [(f"{job.pk}:1", "sending")]


def test_gpu_settings_and_rank_arrive_under_the_names_of_the_contract(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    submitted(queued(alice, hyperparameters={"rank": 7}))
    [order] = scripted.submits()
    assert order["gpu_config"] == {"type": "H100-80GB", "count": 2}
    assert order["hyperparameters"]["rank"] == 7
    assert order["dataset_url"].startswith("http")


def test_a_job_whose_turn_has_not_come_is_not_sent(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    job = queued(alice)
    TrainingJob.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=30))
    reconcile.submit(job.pk)
    assert scripted.submits() == []


def test_the_lease_covers_the_whole_call_however_slow_all_before_it_was(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, meanwhile: Meanwhile
) -> None:
    job = queued(alice)
    lasts: list[timedelta] = []

    def look() -> None:
        row = TrainingJob.objects.get(pk=job.pk)
        assert row.lease_expires_at is not None
        lasts.append(row.lease_expires_at - timezone.now())

    meanwhile(look)
    with lifecycle.leased(job.pk, statuses={Status.QUEUED}, seconds=0.001) as lease:
        assert lease is not None
        submission._submit(lease)
    assert lasts[0] > timedelta(seconds=registry.CALL_S)
    assert TrainingJob.objects.get(pk=job.pk).external_job_id == "run-1"


# -- Unknown outcomes, level 2 ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"hang_s": 30}, {"reset": True}, {"status": 502}], ids=["timeout", "reset", "502"])
def test_a_submit_that_was_taken_without_an_answer_is_paid_once(
    fault: dict[str, Any], use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=2, driver=IMPATIENT)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    node.fault("submit", {"accept": True, **fault}, job=job, times=1)
    job = submitted(job)
    assert (job.status, job.current_stage) == ("queued", "submission_unconfirmed")
    job = submitted(job)
    assert job.status == "initializing"
    assert node.paid(job) == [job.external_job_id]
    assert node.keys(job) == [f"{job.pk}:1"] * 2


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


def test_at_level_1_an_unanswered_submit_is_paid_once_and_never_sent_again(
    use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=1)
    job = queued(alice)
    node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
    for _ in range(3):
        job = submitted(job)
    assert (job.status, job.current_stage) == ("queued", "submission_unconfirmed")
    assert len(node.keys(job)) == len(node.paid(job)) == 1


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
    job = services.job_attach_external(staff=operator, job=job, external_job_id="run-1")
    assert (job.status, job.external_job_id) == ("initializing", "run-1")
    scripted.says("run-1", "running", progress=5)
    reconcile.poll([job.pk])
    job.refresh_from_db()
    assert job.status == "running"


def test_staff_cannot_attach_what_belongs_to_another_job(
    queued: MakeJob, alice: User, bob: User, operator: User, scripted: ScriptedCluster
) -> None:
    at_cluster(bob, "run-7")
    job = queued(alice)
    scripted.takes_and_hangs_up()
    submitted(job)
    with pytest.raises(JobConflict):
        services.job_attach_external(staff=operator, job=job, external_job_id="run-7")


def test_staff_declare_that_nothing_started_and_it_is_sent_again(
    queued: MakeJob, alice: User, operator: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    scripted.scripts["/training/submit"] = reset
    job = submitted(job)
    services.job_declare_not_started(staff=operator, job=job)
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


# -- Refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_for_now_is_waited_out_and_burns_nothing(
    status: int, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = refusing(status, Retry_After="120")
    job = submitted(queued(alice))
    assert (job.status, job.attempt, job.submission_key) == ("queued", 1, "")
    assert f"{status}" in job.waiting_for
    assert timedelta(seconds=110) < job.next_attempt_at - timezone.now() < timedelta(seconds=145)
    del scripted.scripts["/training/submit"]
    assert submitted(job).status == "initializing"
    assert job.attempts.count() == 1


def test_many_refusals_for_now_do_not_open_the_breaker(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/submit"] = refusing(402)
    job = queued(alice)
    for _ in range(7):
        job = submitted(job)
    assert job.status == "queued"
    assert "402" in job.waiting_for
    assert Cluster.objects.get().open_until is None


def test_a_lasting_no_fails_the_job_with_the_clusters_words(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = reply(422, {"detail": "rank must be below 8"})
    job = submitted(queued(alice))
    assert (job.status, job.error_code, str(job.final_cost)) == ("failed", "rejected", "0.00")
    assert "rank must be below 8" in job.error_message


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_opens_the_breaker_and_the_jobs_stay(
    status: int, queued: MakeJob, alice: User, scripted: ScriptedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.scripts["/training/"] = refusing(status)
    first, second = queued(alice), queued(alice)
    for job in (first, second, first):
        job = submitted(job)
        assert job.status == "queued"
        assert f"{status}" in job.waiting_for
    assert len(scripted.wire.requests) == 1
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_the_breaker_closes_once_the_cluster_answers_again(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/"] = refusing(401)
    job = submitted(queued(alice))
    scripted.scripts.clear()
    Cluster.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    job = submitted(job)
    assert job.status == "initializing"
    row = Cluster.objects.get()
    assert (row.open_until, row.consecutive_failures, row.last_error) == (None, 0, "")


def test_five_calls_without_an_answer_open_the_breaker(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/"] = reset
    job = queued(alice)
    for _ in range(8):
        submitted(job)
    assert len(scripted.wire.requests) == 5


def test_an_open_door_to_strangers_does_not_close_the_breaker(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = refusing(401)
    job = submitted(queued(alice))
    Cluster.objects.update(open_until=timezone.now() - timedelta(seconds=1), checked_at=None)
    submitted(job)
    assert Cluster.objects.filter(open_until__gt=timezone.now()).exists()


def test_a_cluster_that_is_not_there_got_nothing_and_a_cancel_then_ends_at_once(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = submitted(queued(alice, name="first"))  # the level is known now
    job = queued(alice, name="second")
    scripted.wire.close()
    job = submitted(job)
    assert (job.status, job.submission_key) == ("queued", "")
    assert "cannot be reached" in job.waiting_for
    assert services.job_cancel(user=alice, job_id=job.pk).status == "cancelled"


@pytest.mark.parametrize("fault", [reply(500), reply(200, "garbage"), reset], ids=["500", "garbage", "reset"])
def test_nothing_is_submitted_to_a_cluster_whose_level_is_not_known(
    fault: Any, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/capabilities"] = fault
    job = submitted(queued(alice))
    assert (job.status, job.attempts.count()) == ("queued", 0)
    assert scripted.submits() == []


def test_nor_to_one_whose_level_was_known_but_cannot_be_asked_for_again(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    submitted(queued(alice))
    Cluster.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    scripted.scripts["/training/capabilities"] = reply(500)
    assert submitted(queued(alice)).status == "queued"
    assert len(scripted.submits()) == 1


def test_an_id_that_another_job_has_is_not_taken_over(
    queued: MakeJob, alice: User, bob: User, scripted: ScriptedCluster
) -> None:
    other = at_cluster(bob, "run-1")
    job = submitted(queued(alice))
    assert (job.status, job.error_code, job.external_job_id) == ("failed", "rejected", "")
    other.refresh_from_db()
    assert other.status == "running"


# -- The dataset --------------------------------------------------------------------------------------------


def test_a_dataset_that_changed_is_refused_with_advice(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, put_object: Any
) -> None:
    job = queued(alice)
    put_object(job.dataset.storage_path, b"something else")
    job = submitted(job)
    assert (job.status, job.error_code) == ("failed", "dataset_changed")
    assert "Validate" in job.error_detail
    assert scripted.submits() == []


def test_a_dataset_that_is_gone_is_refused_with_advice(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = queued(alice)
    store.delete(bucket=job.dataset.storage_bucket, path=job.dataset.storage_path)
    job = submitted(job)
    assert (job.status, job.error_code) == ("failed", "dataset_missing")


def test_a_job_waits_for_storage_that_is_down(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, settings: Any, s3_server: TestBuckets
) -> None:
    job = queued(alice)
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    job = submitted(job)
    assert job.status == "queued"
    assert job.waiting_for.startswith("Waiting for storage")
    assert scripted.submits() == []
    settings.S3_SECRET_ACCESS_KEY = s3_server.server.secret_access_key
    assert submitted(job).status == "initializing"


# -- Cancelled on the way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2])
def test_a_job_that_is_cancelled_while_it_is_sent_is_stopped_at_the_cluster_by_the_same_task(
    level: int, use_node: UseNode, queued: MakeJob, alice: User, meanwhile: Meanwhile
) -> None:
    node = use_node(level=level)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    meanwhile(lambda: services.job_cancel(user=alice, job_id=job.pk))
    job = submitted(job)
    assert node.paid(job) == [job.external_job_id]
    assert node.cancels(job) == 1
    assert work_until(job, "cancelled").cost_records.count() <= 1


@pytest.mark.parametrize("answer", [refusing(429, Retry_After="600"), refusing(402), refusing(422), refusing(401)])
def test_a_job_that_is_cancelled_while_it_is_refused_ends_at_once(
    answer: Script, queued: MakeJob, alice: User, scripted: ScriptedCluster, meanwhile: Meanwhile
) -> None:
    job = queued(alice)
    scripted.scripts["/training/submit"] = answer
    meanwhile(lambda: services.job_cancel(user=alice, job_id=job.pk))
    job = submitted(job)
    assert (job.status, job.error_code, str(job.final_cost), job.waiting_for) == ("cancelled", "", "0.00", "")


def test_a_job_that_is_cancelled_while_its_submit_gets_lost_is_found_and_stopped(
    use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=2, driver=IMPATIENT)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
    job = submitted(job)
    assert services.job_cancel(user=alice, job_id=job.pk).status == "cancelling"
    job = work_until(job, "cancelled")
    assert node.paid(job) == [job.external_job_id]
    assert node.status(job)["status"] == "cancelled"
