"""Submitting: the plain way, the dataset's part in it, and a cancel on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import lifecycle, reconcile, services
from jobs.clusters import registry
from jobs.models import JobAttempt, TrainingJob
from jobs.reconcile import submission
from jobs.states import Status
from tests.contracts.wire import Script
from tests.jobs.conftest import (
    TRAINS_FOR_EVER,
    MakeJob,
    Meanwhile,
    UseNode,
    submitted,
    work_until,
)
from tests.jobs.scripted import ScriptedCluster, refusing
from tests.servers import TestBuckets

pytestmark = pytest.mark.django_db


def attempt_of(job: TrainingJob) -> JobAttempt:
    return job.attempts.get(number=job.attempt)


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
    node = use_node(level=2)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
    job = submitted(job)
    assert services.job_cancel(user=alice, job_id=job.pk).status == "cancelling"
    job = work_until(job, "cancelled")
    assert node.paid(job) == [job.external_job_id]
    assert node.status(job)["status"] == "cancelled"
