"""A cancel that keeps what was learned so far: the job is cancelled when that is in storage, or cannot be had."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from datasets.storage.base import ObjectStore
from jobs import reconcile, services
from jobs.models import ModelArtifact, TrainingJob
from tests.contracts.wire import reply
from tests.jobs.conftest import at_cluster, due_and, let_pass
from tests.jobs.scripted import ScriptedCluster
from tests.jobs.test_collection import a_file, listed

pytestmark = pytest.mark.django_db


@pytest.fixture
def stopping(alice: User, scripted: ScriptedCluster, store: ObjectStore) -> TrainingJob:
    """A job of alice's that she is cancelling, its adapter to be kept."""
    scripted.features = ["batch_status", "async_cancel", "artifacts"]
    return services.job_cancel(user=alice, job_id=at_cluster(alice, gpu_price_per_hour="36").pk, keep_adapter=True)


def released(job: TrainingJob) -> TrainingJob:
    return due_and(job, reconcile.release)


def freed(scripted: ScriptedCluster, state: str = "cancelled", **status: Any) -> None:
    """The cluster's GPUs are free, after 100 seconds."""
    times = {"started_at": "2026-11-23T10:00:00Z", "released_at": "2026-11-23T10:01:40Z"}
    scripted.says("run-1", state, **{**times, **status})


def gone(stopping: TrainingJob, scripted: ScriptedCluster, *files: dict[str, Any]) -> TrainingJob:
    """The job after its cluster said that it is cancelled, and listed these files."""
    features = scripted.features
    listed(scripted, *files)
    scripted.features = features
    freed(scripted)
    return released(stopping)


def collected(job: TrainingJob) -> TrainingJob:
    return due_and(job, reconcile.collect)


def test_it_is_cancelling_while_the_cluster_uploads(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    freed(scripted, "cancelling", stage="uploading", heartbeat_at="2026-11-23T10:01:40Z")
    job = released(stopping)
    assert (job.status, job.current_stage, job.cluster_result) == ("cancelling", "uploading", "")
    assert job.current_cost == Decimal("2.00")  # 2 GPUs at $36 for 100 s


def test_the_cost_clock_stands_still_while_it_uploads(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    freed(scripted, "cancelling", stage="uploading", heartbeat_at="2026-11-23T11:00:00Z")
    released(stopping)
    let_pass(stopping, minutes=55)
    assert released(stopping).current_cost == Decimal("2.00")


def test_a_cluster_that_uploads_is_not_accused_of_training_on(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    freed(scripted, "cancelling", stage="uploading")
    released(stopping)
    let_pass(stopping, minutes=5)
    assert released(stopping).warnings == []
    assert len(scripted.asked("/training/cancel")) == 1


def test_its_files_are_brought_home_and_then_it_is_cancelled(
    stopping: TrainingJob, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = gone(stopping, scripted, a_file(scripted))
    assert (job.status, job.current_stage, job.cluster_result) == ("cancelling", "finalization", "cancelled")
    assert job.final_cost == job.cost_records.get().amount
    job = collected(job)
    assert (job.status, job.artifact.status, job.artifact.is_partial) == ("cancelled", "ready", True)
    assert store.head(bucket="lora-models", path=f"alice/{job.pk}/1/adapter.bin").size
    assert "is in storage" in job.events.get(to_status="cancelled").message
    assert job.cost_records.count() == 1


def test_nothing_to_keep_is_no_reason_to_wait(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    job = collected(gone(stopping, scripted))
    assert job.status == "cancelled"
    assert "nothing to keep" in job.events.get(to_status="cancelled").message
    assert not ModelArtifact.objects.exists()


def test_files_that_never_come_are_given_up_after_an_hour(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    job = gone(stopping, scripted, a_file(scripted))
    scripted.scripts["/files/adapter.bin"] = reply(500)
    assert collected(job).status == "cancelling"
    let_pass(job, minutes=61)
    job = collected(job)
    assert (job.status, job.error_code, job.artifact.status) == ("cancelled", "", "failed")
    assert "could not be kept" in job.events.get(kind="artifact").message


@pytest.mark.parametrize("then", ["goes on uploading", "is gone"])
def test_an_upload_that_does_not_end_is_given_up_after_an_hour(
    then: str, stopping: TrainingJob, scripted: ScriptedCluster
) -> None:
    freed(scripted, "cancelling", stage="uploading")
    released(stopping)
    if then == "is gone":
        scripted.scripts["/training/status"] = reply(503)
    let_pass(stopping, minutes=50)
    assert released(stopping).status == "cancelling"
    let_pass(stopping, minutes=11)
    job = released(stopping)
    assert (job.status, job.error_code, job.final_cost) == ("cancelled", "", Decimal("2.00"))
    assert "never came" in job.events.get(to_status="cancelled").message


def test_a_cluster_that_forgets_a_job_off_its_gpus_has_stopped_it(
    stopping: TrainingJob, scripted: ScriptedCluster
) -> None:
    freed(scripted, "cancelling", stage="uploading")
    released(stopping)
    scripted.jobs.clear()
    for _ in range(3):
        assert released(stopping).status == "cancelling"
    let_pass(stopping, minutes=4)
    job = released(stopping)
    assert (job.status, job.error_code, job.final_cost) == ("cancelled", "", Decimal("2.00"))


def test_a_cluster_that_hands_nothing_over_is_cancelled_at_once(alice: User, scripted: ScriptedCluster) -> None:
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk, keep_adapter=True)
    scripted.says("run-1", "cancelled")
    assert released(job).status == "cancelled"


def test_who_does_not_keep_the_adapter_waits_for_no_files(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = ["batch_status", "async_cancel", "artifacts"]
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk)
    freed(scripted)
    assert released(job).status == "cancelled"
    assert scripted.asked("/training/artifacts") == []


def test_the_wish_is_passed_on(stopping: TrainingJob, scripted: ScriptedCluster) -> None:
    freed(scripted, "cancelling")
    released(stopping)
    assert scripted.asked("/training/cancel")[0].json()["keep_adapter"] is True
