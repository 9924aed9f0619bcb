"""Checkpoints of runs that train: brought to the bucket, listed, gone on from; and other inputs."""

import hashlib
import json
from pathlib import Path
from typing import Any

from conftest import DATASET, Orders
from servers import Outside
from training import Machines, Models, let_go, points, reached, with_callback


def test_checkpoints_are_brought_to_the_bucket_while_it_trains(
    machines: Machines, model: Models, order: Orders, plane: Outside, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=9), **with_callback(plane)))

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = node.get(f"/training/checkpoints/{external_id}")["checkpoints"]
        return found

    # The one before it may be on its way first.
    status = node.wait(external_id, lambda _: [saved["step"] for saved in listed()][-1:] == [8])
    assert status["status"] == "running"
    newest = listed()[-1]
    assert (newest["step"], newest["restart"], newest["validation_loss"]) == (8, 0, 0.125)
    for file in newest["files"]:
        content = plane.uploads[f"/bucket/checkpoints/step-000008-r0/{file['path']}"]
        assert (file["url"], file["sha256"]) == (None, hashlib.sha256(content).hexdigest())
    let_go(tmp_path)
    node.wait_for(external_id, "completed")


def test_a_machine_keeps_no_checkpoint_older_than_one_in_the_bucket(
    machines: Machines, model: Models, order: Orders, plane: Outside, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=9), **with_callback(plane)))
    folder = node.state_dir / "runs" / external_id / "checkpoints"
    node.wait(external_id, reached(9))
    node.wait(external_id, lambda _: [each.name for each in folder.iterdir()] == ["step-000008-r0"])
    let_go(tmp_path)
    node.wait_for(external_id, "completed")


def test_a_checkpoint_is_not_sent_twice_after_a_restart_of_the_node(
    machines: Machines, model: Models, order: Orders, plane: Outside, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5), **with_callback(plane)))
    node.wait(external_id, lambda status: status["checkpoints"] == 1)
    node.stop(kill=True)
    again = machines()
    assert again.status(external_id)["checkpoints"] == 1
    let_go(tmp_path)
    again.wait_for(external_id, "completed")
    sent = [call for call in plane.calls if "step-000004" in call]
    assert len(sent) == len(set(sent)) == 2


def test_the_checkpoint_of_a_failed_run_reaches_the_bucket(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/callback/uploads": [503]}
    node = machines()
    mishaps = [{"restart": 0, "step": 6, "how": "fail"}]
    external_id = node.start(order(**model(mishaps=mishaps), **with_callback(plane)))
    status = node.wait_for(external_id, "failed")
    assert status["checkpoints"] == 1
    assert "/bucket/checkpoints/step-000004-r0/adapter_model.safetensors" in plane.uploads


def test_without_a_bucket_checkpoints_are_offered_for_download(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    external_id = node.start(order(**model(mishaps=[{"restart": 0, "step": 6, "how": "fail"}])))
    node.wait_for(external_id, "failed")
    (checkpoint,) = node.get(f"/training/checkpoints/{external_id}")["checkpoints"]
    file = checkpoint["files"][0]
    assert node.client.get(file["url"]).content == b"adapter at 4"


def test_a_new_job_goes_on_from_a_checkpoint_that_is_here(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    first = node.start(order(**model(mishaps=[{"restart": 0, "step": 10, "how": "fail"}])))
    node.wait_for(first, "failed")
    resumed = node.start(order(**model(), resume_from={"external_job_id": first, "step": 4}))
    node.wait_for(resumed, "completed")
    assert points(node, resumed) == [(0, step) for step in range(5, 11)]
    gone_step = node.submit(order(**model(), resume_from={"external_job_id": first, "step": 5}))
    assert (gone_step.status_code, gone_step.json()["code"]) == (409, "checkpoint_gone")


def test_a_new_job_goes_on_from_a_checkpoint_in_storage_after_the_machine_is_gone(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    content = b"adapter from elsewhere"
    file = {
        "path": "adapter_model.safetensors",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    plane.datasets["/data/new"] = content
    plane.fresh_files = [file | {"url": f"{plane.url}/data/new"}]
    resume = {
        "external_job_id": "run-of-a-lost-machine",
        "step": 6,
        "files": [file | {"url": f"{plane.url}/data/expired"}],
    }
    node = machines()
    resumed = node.start(order(**model(), **with_callback(plane), resume_from=resume))
    node.wait_for(resumed, "completed")
    assert points(node, resumed) == [(0, step) for step in range(7, 11)]


def test_a_checkpoint_that_is_not_the_one_ordered_fails_the_job(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    plane.datasets["/data/other"] = b"another one"
    file = {"path": "a", "url": f"{plane.url}/data/other", "size": 11, "sha256": "0" * 64}
    resume = {"external_job_id": "run-x", "step": 6, "files": [file]}
    node = machines()
    status = node.wait_for(node.start(order(**model(), resume_from=resume)), "failed", "completed")
    assert status["error_code"] == "checkpoint_hash_mismatch"


def test_a_validation_file_is_fetched_and_handed_to_the_trainer(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    plane.datasets["/data/fresh-validation"] = DATASET
    digest = hashlib.sha256(DATASET).hexdigest()
    given = {"url": f"{plane.url}/data/expired", "sha256": digest, "bytes": len(DATASET)}
    node = machines()
    external_id = node.start(order(**model(halt_at=2), **with_callback(plane), validation_dataset=given))
    node.wait(external_id, reached(2))
    job = json.loads((node.state_dir / "runs" / external_id / "job.json").read_text())
    assert job["validation"]["sha256"] == digest
    assert Path(job["validation"]["path"]).read_bytes() == DATASET
    assert job["hyperparameters"]["rank"] == 16
    assert job["hyperparameters"]["validation_split"] == 0.1


def test_a_base_model_in_storage_is_fetched_with_fresh_addresses(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    content = json.dumps({"steps": 3, "save_every": 2}).encode()
    file = {"path": "config.json", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    plane.datasets["/data/config"] = content
    plane.fresh_files = [file | {"url": f"{plane.url}/data/config"}]
    expired = file | {"url": f"{plane.url}/data/expired"}
    source = {"kind": "files", "location": "a model of alice's", "files": [expired]}
    node = machines()
    external_id = node.start(order(**model(), **with_callback(plane)) | {"base_model_source": source})
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["error_message"], status["total_steps"]) == (None, 3)
    assert (node.state_dir / "models").is_dir()
