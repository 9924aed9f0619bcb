"""What real training needs of the wire: sources of model and data, checkpoints, and what a stage is busy with."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.clusters.base import (
    ArtifactFile,
    Capabilities,
    DatasetRef,
    ModelSource,
    NoSuchJob,
    RemoteFile,
    ResumePoint,
    Submission,
    Unreadable,
)
from jobs.clusters.http import answers, orders, progress
from tests.contracts.conftest import Speaking
from tests.contracts.orders import LEVEL_1, LEVEL_2, order
from tests.contracts.wire import reply

WEIGHTS = RemoteFile("adapter_model.safetensors", 1200, "https://s3.example/w?X-Amz-Signature=s", "cd" * 32)
SAVED = {
    "step": 40,
    "epoch": 1.5,
    "restart": 1,
    "validation_loss": 0.25,
    "at": "2026-11-23T10:00:00Z",
    "files": [{"path": "adapter_model.safetensors", "size": 1200, "sha256": "CD" * 32}],
}
NOT_CHECKPOINTS: list[Any] = [None, 3, "x", [], {}, {"step": 40}]


def resuming() -> Submission:
    """An order with everything that level 2 takes."""
    return order(
        base_model_source=ModelSource("files", "s3://lora-models/base", (WEIGHTS,), "apache-2.0"),
        validation=DatasetRef("https://s3.example/v?sig=s", "ef" * 32, 99, datetime(2030, 1, 1, tzinfo=UTC)),
        resume_from=ResumePoint("run-7", 40, (WEIGHTS,)),
    )


# -- Ordering -----------------------------------------------------------------------------------------------


def test_level_2_is_told_where_model_validation_data_and_checkpoint_come_from() -> None:
    body = orders.body(resuming(), LEVEL_2)
    file = {
        "path": "adapter_model.safetensors",
        "size": 1200,
        "url": "https://s3.example/w?X-Amz-Signature=s",
        "sha256": "cd" * 32,
    }
    assert body["base_model_source"] == {
        "kind": "files",
        "location": "s3://lora-models/base",
        "files": [file],
        "licence": "apache-2.0",
    }
    assert body["validation_dataset"] == {
        "url": "https://s3.example/v?sig=s",
        "sha256": "ef" * 32,
        "bytes": 99,
        "url_expires_at": "2030-01-01T00:00:00+00:00",
    }
    assert body["resume_from"] == {"external_job_id": "run-7", "step": 40, "files": [file]}


@pytest.mark.parametrize("capabilities", [LEVEL_1, Capabilities(level=2)])
def test_what_is_not_there_is_not_mentioned(capabilities: Capabilities) -> None:
    assert not {"base_model_source", "validation_dataset", "resume_from"} & orders.body(order(), capabilities).keys()


def test_level_1_gets_its_own_fields_only() -> None:
    given = {"job_id", "dataset_url", "base_model", "hyperparameters", "gpu_config"}
    assert orders.body(resuming(), LEVEL_1).keys() == given


def test_signed_addresses_do_not_show_in_an_order() -> None:
    assert "Signature" not in repr(resuming())
    assert "sig=s" not in repr(resuming())


# -- Status -------------------------------------------------------------------------------------------------


def test_a_status_tells_what_its_stage_is_busy_with() -> None:
    said = {"status": "queued", "stage_detail": "fetching torch", "stage_progress": 12.5, "checkpoints": 2}
    status = progress.status(said, "x")
    assert (status.stage_detail, status.stage_progress, status.checkpoints) == ("fetching torch", 12.5, 2)


@pytest.mark.parametrize("garbage", [None, [], {}, "\x00", float("nan"), -1, 1e300, True, ""])
def test_garbage_about_a_stage_is_nothing(garbage: Any) -> None:
    said = {"status": "running", "stage_progress": garbage, "checkpoints": garbage}
    status = progress.status(json.loads(json.dumps(said)), "x")
    assert (status.stage_progress, status.checkpoints) == (None, 0)
    assert status.state == "running"


def test_a_stages_words_are_bounded_and_carry_no_signature() -> None:
    said = {"stage_detail": "GET https://s3/model?X-Amz-Signature=abc " + "x" * 9000}
    detail = progress.status(said, "x").stage_detail
    assert detail is not None
    assert len(detail) == 300
    assert "abc" not in detail


def test_the_memory_of_a_gpu_is_a_metric_like_the_others() -> None:
    (point,) = progress.points([{"step": 1, "values": {"gpu_memory": 3.5}}])
    assert point.values == {"gpu_memory": 3.5}


def test_a_file_that_is_listed_twice_is_one_file() -> None:
    listed = answers.artifacts({"files": [{"path": "a", "size": 1}, {"path": "b"}, {"path": "a", "size": 2}]})
    assert [(file.path, file.size) for file in listed.files] == [("a", 2), ("b", None)]


# -- Checkpoints --------------------------------------------------------------------------------------------


def test_checkpoints_are_listed_with_their_files(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(200, {"checkpoints": [SAVED]}))
    (saved,) = cluster.checkpoints("run 7")
    assert wire.requests[0].target == "/training/checkpoints/run%207"
    assert (saved.step, saved.restart, saved.epoch, saved.validation_loss) == (40, 1, 1.5, 0.25)
    assert saved.path == "checkpoints/step-000040-r1"
    assert saved.at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert saved.files == [ArtifactFile("adapter_model.safetensors", 1200, "cd" * 32)]


def test_a_cluster_that_does_not_know_the_job_has_no_checkpoints_of_it(speaking: Speaking) -> None:
    cluster, _ = speaking(reply(404, {"code": "unknown_job"}))
    with pytest.raises(NoSuchJob):
        cluster.checkpoints("run-7")


@pytest.mark.parametrize("body", ["<html>", [], {}, {"checkpoints": {}}])
def test_a_list_of_checkpoints_that_is_none_makes_no_sense(body: Any, speaking: Speaking) -> None:
    cluster, _ = speaking(reply(200, body))
    with pytest.raises(Unreadable):
        cluster.checkpoints("run-7")


@pytest.mark.parametrize(
    "entry",
    [
        *NOT_CHECKPOINTS,
        {**SAVED, "step": -1},
        {**SAVED, "step": float("nan")},
        {**SAVED, "step": 2**70},
        {**SAVED, "files": []},
        {**SAVED, "files": "adapter_model.safetensors"},
        {**SAVED, "files": [{"path": "../bob/adapter_model.safetensors"}]},
        {**SAVED, "files": [{"path": "a"}, {"path": "a"}]},
        {**SAVED, "files": [3]},
        {**SAVED, "path": "/etc"},
        {**SAVED, "path": "../../bob"},
        {**SAVED, "path": 3},
    ],
)
def test_a_checkpoint_that_cannot_be_stored_is_left_out_and_the_others_are_kept(entry: Any) -> None:
    assert [saved.step for saved in answers.checkpoints({"checkpoints": [entry, {**SAVED, "step": 80}]})] == [80]


def test_figures_of_a_checkpoint_that_are_no_numbers_are_unknown() -> None:
    odd = {**SAVED, "epoch": "two", "validation_loss": float("nan"), "at": "soon", "restart": "x"}
    (saved,) = answers.checkpoints({"checkpoints": [odd]})
    assert (saved.epoch, saved.validation_loss, saved.at, saved.restart) == (None, None, None, 0)
