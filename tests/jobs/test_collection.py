"""Files on their way home: a job is completed when they are there and right, or failed when they never come."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import reconcile
from jobs.models import Cluster, ModelArtifact, TrainingJob
from jobs.reconcile.summary import read_summary
from tests import factories
from tests.contracts.wire import reply, reset
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, due_and, let_pass, work_until
from tests.jobs.nodes import BROKEN
from tests.jobs.scripted import ScriptedCluster

pytestmark = pytest.mark.django_db

ADAPTER = b"weights" * 1000
SHA256 = hashlib.sha256(ADAPTER).hexdigest()


@pytest.fixture
def finished(alice: User, store: ObjectStore) -> TrainingJob:
    """A job whose cluster says that it is completed."""
    job = at_cluster(alice, cluster_result="completed", cluster_ended_at=timezone.now(), current_stage="finalization")
    job.attempts.update(billing_final=True, cost="1.12")
    prefix = f"alice/{job.pk}/1/"
    factories.artifact(job, status="collecting", storage_prefix=prefix, files=[])
    return job


def collected(job: TrainingJob) -> TrainingJob:
    return due_and(job, reconcile.collect)


def listed(scripted: ScriptedCluster, *files: dict[str, Any], complete: bool = True) -> None:
    scripted.features = ["artifacts"]
    scripted.scripts["/training/artifacts/run-1"] = reply(200, {"files": list(files), "complete": complete})


def a_file(scripted: ScriptedCluster, **changes: Any) -> dict[str, Any]:
    scripted.scripts["/files/adapter.bin"] = reply(200, ADAPTER)
    whole = {"path": "adapter.bin", "size": len(ADAPTER), "sha256": SHA256, "url": f"{scripted.url}/files/adapter.bin"}
    return {**whole, **changes}


# -- Copied -------------------------------------------------------------------------------------------------


def test_a_listed_file_is_copied_and_the_job_completes(
    finished: TrainingJob, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    listed(scripted, a_file(scripted))
    job = collected(finished)
    assert (job.status, job.current_stage) == ("completed", "completed")
    assert job.artifact.files == [{"path": "adapter.bin", "size": len(ADAPTER), "sha256": SHA256}]
    assert b"".join(store.stream(bucket="lora-models", path=f"alice/{job.pk}/1/adapter.bin")) == ADAPTER
    assert job.events.get(kind="artifact").detail == {"state": "ready", "artifact_id": str(job.artifact.pk)}


def test_at_level_1_the_files_come_from_the_status(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    scripted.says("run-1", "completed", model_files={"adapter.bin": a_file(scripted)["url"]})
    job = collected(finished)
    assert job.status == "completed"
    assert job.artifact.files[0]["sha256"] == SHA256


def test_a_job_is_collected_once(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    listed(scripted, a_file(scripted))
    for _ in range(5):
        collected(finished)
    assert len(scripted.asked("/files/")) == 1
    assert finished.events.filter(to_status="completed").count() == 1


# -- Delivered by the cluster -------------------------------------------------------------------------------


def delivered(put_object: Any, job: TrainingJob, body: bytes = ADAPTER) -> None:
    put_object(f"alice/{job.pk}/1/adapter.bin", body, bucket="lora-models")


def test_an_uploaded_file_is_verified_by_its_hash(
    finished: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    delivered(put_object, finished)
    listed(scripted, a_file(scripted, url=None))
    assert collected(finished).status == "completed"
    assert scripted.asked("/files/") == []


@pytest.mark.parametrize("body", [b"", ADAPTER[:-1], ADAPTER + b"!", b"x" * len(ADAPTER)])
def test_a_damaged_file_is_waited_for(
    body: bytes, finished: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    delivered(put_object, finished, body)
    listed(scripted, a_file(scripted, url=None))
    job = collected(finished)
    assert (job.status, job.current_stage) == ("running", "finalization")
    assert "adapter.bin arrived damaged" in job.waiting_for
    delivered(put_object, finished)
    assert collected(finished).status == "completed"


# -- Trouble ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [reply(500), reset, reply(200, b"short"), reply(403)])
def test_a_download_that_fails_is_tried_again(answer: Any, finished: TrainingJob, scripted: ScriptedCluster) -> None:
    listed(scripted, a_file(scripted))
    scripted.scripts["/files/adapter.bin"] = answer
    job = collected(finished)
    assert job.status == "running"
    assert job.next_poll_at > timezone.now()
    listed(scripted, a_file(scripted))
    assert collected(finished).status == "completed"


def test_however_often_it_is_told_a_collection_in_trouble_keeps_its_pace(
    finished: TrainingJob, scripted: ScriptedCluster
) -> None:
    scripted.features = ["artifacts"]
    scripted.scripts["/training/artifacts/run-1"] = reset
    job = collected(finished)
    due = job.next_poll_at
    for _ in range(10):
        reconcile.collect(job.pk)
    job.refresh_from_db()
    assert (len(scripted.asked("/training/artifacts")), job.next_poll_at) == (1, due)


def test_a_listing_that_is_not_complete_is_waited_for(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    listed(scripted, a_file(scripted), complete=False)
    assert "hand all files over" in collected(finished).waiting_for


def test_a_listing_that_is_refused_is_said_and_asked_for_again(
    finished: TrainingJob, scripted: ScriptedCluster
) -> None:
    listed(scripted)
    scripted.scripts["/training/artifacts/run-1"] = reply(503, {"title": "The disk is slow"})
    job = collected(finished)
    assert job.status == "running"
    assert job.waiting_for.startswith("Bringing the files into storage: ")
    listed(scripted, a_file(scripted))
    assert collected(finished).status == "completed"


@pytest.mark.parametrize(
    "path", ["../../bob/adapter.bin", "/etc/passwd", "a/../../b", "a//b", "a\\b", "\u0000", "", "%2e%2e/x", "x" * 600]
)
@pytest.mark.parametrize("level", [1, 2])
def test_a_path_that_leaves_its_folder_is_refused_and_ends_in_a_reason(
    level: int, path: str, finished: TrainingJob, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    good = a_file(scripted)
    listed(scripted, {**good, "path": path})
    if level == 1:
        scripted.features = None
        scripted.says("run-1", "completed", model_files={path: good["url"]})
    job = collected(finished)
    assert job.status == "running"
    assert job.waiting_for
    let_pass(finished, hours=25)
    job = collected(finished)
    assert (job.status, job.error_code) == ("failed", "artifact_unavailable")
    assert store.list(bucket="lora-models", prefix="").objects == ()


@pytest.mark.parametrize("level", [1, 2])
def test_files_that_never_come_fail_the_job_after_a_day_with_its_cost_kept(
    level: int, finished: TrainingJob, scripted: ScriptedCluster
) -> None:
    TrainingJob.objects.filter(pk=finished.pk).update(current_cost="1.12", final_cost="1.12")
    listed(scripted)
    if level == 1:
        scripted.features = None
        scripted.says("run-1", "completed")
    assert collected(finished).status == "running"
    let_pass(finished, hours=25)
    job = collected(finished)
    assert (job.status, job.error_code, str(job.final_cost)) == ("failed", "artifact_unavailable", "1.12")
    assert ModelArtifact.objects.get().status == "failed"


def test_a_cluster_that_is_left_in_peace_is_waited_for(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    Cluster.objects.create(name="default", open_until=timezone.now() + timedelta(seconds=50), last_error="It is down.")
    job = collected(finished)
    assert (job.status, job.waiting_for) == ("running", "Waiting for the GPU cluster: It is down.")
    assert scripted.wire.connections == 0


def test_a_driver_that_falls_over_costs_a_try_and_not_the_job(
    finished: TrainingJob, scripted: ScriptedCluster, settings: Any
) -> None:
    scripted.says("run-1", "completed", model_files={"adapter.bin": a_file(scripted)["url"]})
    settings.GPU_CLUSTERS = {"default": {**settings.GPU_CLUSTERS["default"], "DRIVER": BROKEN}}
    job = collected(finished)
    assert (job.status, job.poll_failures) == ("running", 1)
    assert "unexpected" in job.waiting_for
    settings.GPU_CLUSTERS = {"default": {**settings.GPU_CLUSTERS["default"], "DRIVER": "http"}}
    assert collected(finished).status == "completed"


@pytest.mark.parametrize("missing", ["no row says where they go", "only the attempt knows its run"])
def test_files_come_home_also_where_a_row_lacks_what_others_know(
    missing: str, finished: TrainingJob, scripted: ScriptedCluster
) -> None:
    if missing.startswith("no row"):
        ModelArtifact.objects.all().delete()
    else:
        TrainingJob.objects.update(external_job_id="")
    listed(scripted, a_file(scripted))
    job = collected(finished)
    assert (job.status, len(job.artifact.files)) == ("completed", 1)


def test_storage_that_is_down_is_waited_for(finished: TrainingJob, scripted: ScriptedCluster, settings: Any) -> None:
    listed(scripted, a_file(scripted))
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    assert "into storage" in collected(finished).waiting_for


def test_a_level_1_cluster_that_names_no_files_completes_without_an_artifact(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", "completed")
    reconcile.poll([job.pk])
    job.refresh_from_db()
    assert (job.status, job.progress) == ("completed", 100.0)
    assert not ModelArtifact.objects.exists()
    assert job.events.filter(message__contains="no files").exists()


def test_the_cost_clock_stands_still_while_files_are_brought_home(
    alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", "completed", model_files={"adapter.bin": a_file(scripted)["url"]})
    reconcile.poll([job.pk])
    job.refresh_from_db()
    settled = job.final_cost
    assert (job.status, job.current_stage, job.progress) == ("running", "finalization", 100.0)
    let_pass(job, hours=3)
    job = collected(job)
    assert (job.status, job.final_cost, job.cost_records.count()) == ("completed", settled, 1)


def test_the_artifact_tells_what_it_was_made_from(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    artifact = work_until(queued(alice), "completed").artifact
    assert artifact.training_summary["simulated"] is True
    made_from = artifact.configuration
    assert (made_from["hyperparameters"]["rank"], made_from["seed"]) == (16, made_from["hyperparameters"]["seed"])
    assert made_from["price_per_gpu_hour"] > 0
    assert len(made_from["dataset_sha256"]) == 64
    assert artifact.quality_metrics["training_loss"] > 0
    assert artifact.version == 1


# -- The run's summary --------------------------------------------------------------------------------------


def test_an_artifact_tells_how_good_it_is_and_what_trained_it(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    TrainingJob.objects.filter(pk=finished.pk).update(current_metrics={"training_loss": 9.0, "validation_loss": 0.4})
    told = {
        "training_loss": 0.25,
        "best_validation_loss": 0.3,
        "base_validation_loss": 2.5,
        "best_step": 40,
        "validation_loss": "low",
        "versions": {"torch": "2.13.0"},
        "samples": [{"prompt": [], "expected": "a", "base": "b", "adapter": "a"}],
    }
    scripted.scripts["/files/summary"] = reply(200, told)
    listed(scripted, a_file(scripted), {"path": "training_summary.json", "url": f"{scripted.url}/files/summary"})
    artifact = collected(finished).artifact
    assert artifact.quality_metrics == {
        "training_loss": 0.25,
        "validation_loss": 0.4,
        "best_validation_loss": 0.3,
        "base_validation_loss": 2.5,
        "best_step": 40,
    }
    assert artifact.configuration["versions"] == {"torch": "2.13.0"}
    assert artifact.training_summary["samples"] == told["samples"]
    assert artifact.is_partial is False


def test_a_run_that_says_it_was_cut_short_has_a_partial_adapter(
    finished: TrainingJob, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/files/summary"] = reply(200, {"is_partial": True})
    listed(scripted, a_file(scripted), {"path": "training_summary.json", "url": f"{scripted.url}/files/summary"})
    assert collected(finished).artifact.is_partial is True


def test_a_summary_of_a_run_that_diverged_can_be_kept() -> None:
    content = b'{"final": {"training_loss": NaN, "gradient_norm": Infinity, "learning_rate": 1e999, "step": 7}}'
    nothing = {"training_loss": None, "gradient_norm": None, "learning_rate": None, "step": 7}
    assert read_summary(content) == {"final": nothing}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b"\xff",
        b"{",
        b'{"a":' * 50_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "list", "not UTF-8", "cut off", "deep", "digits"],
)
def test_a_summary_that_cannot_be_kept_is_left_out(content: bytes) -> None:
    assert read_summary(content) == {}


def test_what_a_model_answered_cannot_lose_the_summary() -> None:
    content = b'{"samples": [{"base": "a\\u0000b\\ud800", "adapter": "the text \\\\u0000"}], "a\\u0000": 1}'
    assert read_summary(content) == {"samples": [{"base": "ab", "adapter": "the text \\u0000"}], "a": 1}


def test_such_a_summary_does_not_keep_the_job_from_completing(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    scripted.scripts["/files/summary"] = reply(200, b'{"final": {"loss": NaN}, "name": ')
    listed(scripted, a_file(scripted), {"path": "training_summary.json", "url": f"{scripted.url}/files/summary"})
    job = collected(finished)
    assert (job.status, job.artifact.training_summary) == ("completed", {})
