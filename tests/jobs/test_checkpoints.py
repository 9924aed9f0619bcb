"""Checkpoints: known once they lie in storage with their size, once each, from whatever cluster they come."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import lifecycle, reconcile
from jobs.models import Checkpoint, TrainingJob
from jobs.states import Status
from tests import factories
from tests.contracts.wire import reply, reset
from tests.datasets.conftest import PutObject
from tests.jobs.conftest import at_cluster, let_pass, polled
from tests.jobs.scripted import ScriptedCluster

pytestmark = pytest.mark.django_db

WEIGHTS = b"weights" * 100
SHA256 = "ab" * 32
FOLDER = "checkpoints/step-000040-r0"
NAME = "adapter_model.safetensors"


def saved(step: int = 40, **changes: Any) -> dict[str, Any]:
    """A checkpoint as a cluster lists it."""
    file = {"path": NAME, "size": len(WEIGHTS), "sha256": SHA256}
    return {"step": step, "epoch": 1.5, "restart": 0, "validation_loss": 0.5, "files": [file], **changes}


def lists(scripted: ScriptedCluster, *entries: dict[str, Any], state: str = "running") -> None:
    scripted.features = ["batch_status", "checkpoints"]
    scripted.says("run-1", state, checkpoints=len(entries))
    scripted.scripts["/training/checkpoints/run-1"] = reply(200, {"checkpoints": list(entries)})


@pytest.fixture
def job(alice: User, store: ObjectStore, scripted: ScriptedCluster, settings: Any) -> TrainingJob:
    """A running job of a cluster that has our callback."""
    settings.PUBLIC_BASE_URL = "https://control.example"
    return at_cluster(alice)


def uploaded(put_object: PutObject, job: TrainingJob, folder: str = FOLDER, body: bytes = WEIGHTS) -> None:
    put_object(f"alice/{job.pk}/1/{folder}/{NAME}", body, bucket="lora-models")


def fetched(job: TrainingJob) -> list[Checkpoint]:
    polled(job)
    reconcile.fetch(job.pk)
    return list(Checkpoint.objects.filter(job=job))


# -- While it trains ----------------------------------------------------------------------------------------


def test_an_uploaded_checkpoint_becomes_known(job: TrainingJob, scripted: ScriptedCluster, put_object: Any) -> None:
    uploaded(put_object, job)
    lists(scripted, saved(at="2026-11-23T10:00:00Z"))
    [checkpoint] = fetched(job)
    assert (checkpoint.step, checkpoint.epoch, checkpoint.validation_loss) == (40, 1.5, 0.5)
    assert checkpoint.storage_prefix == f"alice/{job.pk}/1/{FOLDER}/"
    assert checkpoint.files == [{"path": NAME, "size": len(WEIGHTS), "sha256": SHA256}]
    assert checkpoint.owner == job.owner
    assert job.events.get(kind="checkpoint").detail == {"step": 40, "restart": 0, "validation_loss": 0.5}


def test_it_is_asked_for_and_stored_once(job: TrainingJob, scripted: ScriptedCluster, put_object: Any) -> None:
    uploaded(put_object, job)
    lists(scripted, saved())
    for _ in range(3):
        assert len(fetched(job)) == 1
    assert len(scripted.asked("/training/checkpoints")) == 1
    assert job.events.filter(kind="checkpoint").count() == 1


@pytest.mark.parametrize("body", [None, b"", WEIGHTS[:-1], WEIGHTS + b"!"])
def test_one_that_is_not_whole_in_storage_is_waited_for(
    body: bytes | None, job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    if body is not None:
        uploaded(put_object, job, body=body)
    lists(scripted, saved())
    assert fetched(job) == []
    assert reconcile.with_new_checkpoints(timezone.now()) == [job.pk]
    uploaded(put_object, job)
    assert len(fetched(job)) == 1
    assert reconcile.with_new_checkpoints(timezone.now()) == []


def test_what_is_no_hash_is_not_kept_as_one(job: TrainingJob, scripted: ScriptedCluster, put_object: Any) -> None:
    uploaded(put_object, job)
    lists(scripted, saved(files=[{"path": NAME, "size": len(WEIGHTS), "sha256": "see the log"}]))
    [checkpoint] = fetched(job)
    assert checkpoint.files == [{"path": NAME, "size": len(WEIGHTS), "sha256": ""}]


def test_the_same_step_of_a_restart_is_another_checkpoint(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    uploaded(put_object, job)
    uploaded(put_object, job, "checkpoints/step-000040-r1")
    lists(scripted, saved(), saved(restart=1))
    assert [(each.restart, each.step) for each in fetched(job)] == [(0, 40), (1, 40)]


def test_the_same_step_of_another_job_or_attempt_is_not_taken_for_it(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    factories.checkpoint(at_cluster(job.owner, "run-2"), 40)
    factories.checkpoint(job, 40, attempt=2)
    uploaded(put_object, job)
    lists(scripted, saved())
    assert sorted(each.attempt for each in fetched(job)) == [1, 2]


def test_a_checkpoint_becomes_known_with_its_event_or_not_at_all(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    def fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('INSERT INTO "job_events"'):
            raise OperationalError("the disk is full")
        return execute(sql, *args)

    uploaded(put_object, job)
    lists(scripted, saved())
    polled(job)
    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        reconcile.fetch(job.pk)
    assert not Checkpoint.objects.exists()
    assert len(fetched(job)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"path": "../2"},
        {"path": "a\u202eb"},
        {"path": "%2e%2e/%2e%2e"},
        {"files": [{"path": "%2e%2e/x", "size": 1}]},
        {"files": []},
        {"step": None},
    ],
)
def test_a_checkpoint_that_is_out_of_place_does_not_keep_the_others_out(
    odd: dict[str, Any], job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    uploaded(put_object, job, "checkpoints/step-000080-r0")
    lists(scripted, {**saved(), **odd}, saved(80))
    assert [each.step for each in fetched(job)] == [80]


@pytest.mark.parametrize("answer", [reply(500), reset, reply(404), reply(200, "<html>"), reply(200, {})])
def test_a_list_that_cannot_be_had_is_asked_for_again(
    answer: Any, job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    uploaded(put_object, job)
    lists(scripted, saved())
    good = scripted.scripts["/training/checkpoints/run-1"]
    scripted.scripts["/training/checkpoints/run-1"] = answer
    assert fetched(job) == []
    scripted.scripts["/training/checkpoints/run-1"] = good
    assert len(fetched(job)) == 1


def test_storage_that_is_down_is_waited_for(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any, settings: Any
) -> None:
    lists(scripted, saved())
    settings.S3_SECRET_ACCESS_KEY, right = "wrong", settings.S3_SECRET_ACCESS_KEY
    assert fetched(job) == []
    settings.S3_SECRET_ACCESS_KEY = right
    uploaded(put_object, job)
    assert len(fetched(job)) == 1


def test_a_cluster_without_the_feature_is_asked_nothing(job: TrainingJob, scripted: ScriptedCluster) -> None:
    scripted.features = ["batch_status"]
    scripted.says("run-1", checkpoints=3)
    assert fetched(job) == []
    assert scripted.asked("/training/checkpoints") == []


def test_one_that_is_listed_many_times_is_taken_over_once(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    uploaded(put_object, job)
    lists(scripted, *[saved() for _ in range(200)])
    assert len(fetched(job)) == 1
    assert job.events.filter(kind="checkpoint").count() == 1


def test_of_very_many_the_last_are_taken_over(job: TrainingJob, scripted: ScriptedCluster, put_object: Any) -> None:
    uploaded(put_object, job, "checkpoints/step-001500-r0")
    empty = [{"step": step, "files": []} for step in range(1500)]
    lists(scripted, *empty, saved(1500))
    assert [each.step for each in fetched(job)] == [1500]


# -- Without our callback -----------------------------------------------------------------------------------


def offered(scripted: ScriptedCluster, **changes: Any) -> dict[str, Any]:
    scripted.scripts["/files/weights"] = reply(200, WEIGHTS)
    file = {"path": NAME, "size": len(WEIGHTS), "url": f"{scripted.url}/files/weights", **changes}
    return saved(files=[file])


def test_files_that_are_only_offered_are_copied_when_the_run_is_over(
    alice: User, store: ObjectStore, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    lists(scripted, offered(scripted))
    assert fetched(job) == []
    lists(scripted, offered(scripted), state="failed")
    [checkpoint] = fetched(job)
    assert b"".join(store.stream(bucket="lora-models", path=checkpoint.storage_prefix + NAME)) == WEIGHTS
    assert len(checkpoint.files[0]["sha256"]) == 64


def test_a_damaged_copy_is_fetched_again(alice: User, store: ObjectStore, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    lists(scripted, offered(scripted, size=3), state="failed")
    assert fetched(job) == []
    lists(scripted, offered(scripted), state="failed")
    assert len(fetched(job)) == 1


def test_a_job_that_somebody_else_works_on_is_copied_from_later(
    alice: User, store: ObjectStore, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    lists(scripted, offered(scripted), state="failed")
    polled(job)
    others = lifecycle.claim([job.pk], statuses=[Status.FAILED], now=timezone.now())
    reconcile.fetch(job.pk)
    assert not Checkpoint.objects.exists()
    assert scripted.asked("/files/") == []
    lifecycle.release(others)
    assert len(fetched(job)) == 1


def test_a_damaged_copy_does_not_keep_the_others_out(
    alice: User, store: ObjectStore, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    lists(scripted, offered(scripted, size=3), {**offered(scripted), "step": 80}, state="failed")
    assert [each.step for each in fetched(job)] == [80]


# -- The sweep ----------------------------------------------------------------------------------------------


def test_what_an_ended_job_left_is_looked_for_a_day_long(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    lists(scripted, saved(), state="failed")
    polled(job)
    now = timezone.now()
    assert reconcile.select(now).fetch == [job.pk]
    assert reconcile.select(now + timedelta(hours=25)).fetch == []
    uploaded(put_object, job)
    reconcile.fetch(job.pk)
    assert reconcile.select(now).fetch == []
    assert Checkpoint.objects.get().job.status == Status.FAILED


@pytest.mark.parametrize("what_it_lists", ["one", "unknown job"])
def test_a_cluster_that_counts_more_than_it_lists_is_believed_for_a_while(
    what_it_lists: str, job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    uploaded(put_object, job)
    lists(scripted, saved(), state="failed")
    scripted.says("run-1", "failed", checkpoints=10_000)
    if what_it_lists == "unknown job":
        scripted.scripts["/training/checkpoints/run-1"] = reply(404)
    fetched(job)
    other = at_cluster(job.owner, "run-2")
    other.attempts.update(checkpoints_reported=3)
    assert job.pk in reconcile.with_new_checkpoints(timezone.now())
    let_pass(job, minutes=10)
    reconcile.fetch(job.pk)
    assert job.pk not in reconcile.with_new_checkpoints(timezone.now())
    assert other.attempts.get().checkpoints_reported == 3


def test_one_that_is_listed_and_not_home_is_looked_for_longer(
    job: TrainingJob, scripted: ScriptedCluster, put_object: Any
) -> None:
    lists(scripted, saved(), state="failed")
    assert fetched(job) == []
    let_pass(job, minutes=11)
    reconcile.fetch(job.pk)
    assert reconcile.with_new_checkpoints(timezone.now()) == [job.pk]
    uploaded(put_object, job)
    assert len(fetched(job)) == 1


def test_a_failed_job_keeps_its_checkpoints(job: TrainingJob, scripted: ScriptedCluster, put_object: Any) -> None:
    uploaded(put_object, job)
    lists(scripted, saved())
    assert len(fetched(job)) == 1
    scripted.says("run-1", "failed", error_code="nan_loss", error_message="The loss is NaN.", checkpoints=1)
    assert len(fetched(job)) == 1
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "nan_loss")
