"""Runs that train: a real node process, real child processes of a pretended trainer, seen through the API."""

import hashlib
from pathlib import Path

import pytest

from conftest import Orders
from gpu_node.trained import child
from servers import Outside
from training import Machines, Models, let_go, points, reached, trainer_pid, with_callback

LATE = {"path": "x", "url": "http://127.0.0.1:9/x", "size": 1}


def test_a_job_is_provisioned_trained_and_its_files_are_offered(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    external_id = node.start(order(**model()))
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["current_step"], status["simulated"]) == ("completed", 10, False)
    assert [change["state"] for change in status["transitions"]] == ["queued", "running", "completed"]
    assert status["metrics"]["training_loss"] == pytest.approx(1.0)
    assert status["metrics"]["gpu_utilization"] is None
    assert points(node, external_id) == [(0, step) for step in range(1, 11)]
    for file in node.get(f"/training/artifacts/{external_id}")["files"]:
        content = node.client.get(file["url"]).content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])


def test_its_log_is_read_by_line_number(machines: Machines, model: Models, order: Orders) -> None:
    node = machines()
    external_id = node.start(order(**model(says=5000)))
    node.wait_for(external_id, "completed")
    page = node.get(f"/training/logs/{external_id}?after=3000&limit=10")
    # The node's own first line, then the trainer's, counted from 0.
    assert [line["text"] for line in page["lines"][:2]] == [
        "line 2999 of restart 0",
        "line 3000 of restart 0",
    ]
    assert (page["next"], page["has_more"]) == (3010, True)
    last = node.get(f"/training/logs/{external_id}?after=5000")
    assert (last["lines"][-1]["text"], last["has_more"]) == ("[gpu_node] Run completed", False)


def test_a_job_that_waits_for_the_only_slot_is_queued_and_costs_nothing(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    first = node.start(order(**model(halt_at=2)))
    node.wait(first, reached(2))
    second = node.start(order(**model(halt_at=2)))
    status = node.wait(second, lambda status: status["stage"] == "queued_on_gpu")
    assert (status["status"], status["billing"]["billable_seconds"]) == ("queued", 0)
    let_go(tmp_path)
    node.wait_for(second, "completed")


@pytest.mark.parametrize("keep", [True, False])
def test_a_cancelled_run_saves_its_adapter_only_when_asked(
    keep: bool, machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5), **with_callback(plane)))
    node.wait(external_id, reached(5))
    pid = trainer_pid(node, external_id)
    answer = node.client.post(f"/training/cancel/{external_id}", json={"keep_adapter": keep})
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    status = node.wait_for(external_id, "cancelled")
    assert child.identify(pid) is None
    assert status["released_at"] is not None
    assert ("/bucket/adapter_model.safetensors" in plane.uploads) is keep
    assert bool(node.get(f"/training/artifacts/{external_id}")["files"]) is keep


def test_a_trainer_that_does_not_listen_is_killed_after_its_grace(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5, deaf=True)))
    node.wait(external_id, reached(5))
    node.client.post(f"/training/cancel/{external_id}", json={"grace_s": 0.5})
    status = node.wait_for(external_id, "cancelled")
    assert child.identify(trainer_pid(node, external_id)) is None
    assert status["billing"]["final"] is True


def test_the_dead_mans_switch_ends_a_trainer(machines: Machines, model: Models, order: Orders) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5), limits={"max_runtime_s": 1}))
    status = node.wait_for(external_id, "failed")
    assert status["error_code"] == "max_runtime"


def test_a_cancel_while_the_machine_is_made_ready_ends_the_job_at_once(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    body = order(**model()) | {"base_model_source": {"kind": "files", "location": "x", "files": [LATE]}}
    external_id = node.start(body)
    status = node.status(external_id)
    assert (status["status"], status["billing"]["billable_seconds"]) == ("queued", 0)
    assert status["stage"] in {"initializing", "model_loading"}
    answer = node.client.post(f"/training/cancel/{external_id}", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_a_base_model_that_is_not_there_fails_the_job_before_it_costs(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    body = order(**model()) | {"base_model_source": {"kind": "folder", "location": "/nowhere"}}
    status = node.wait_for(node.start(body), "failed", "completed")
    assert (status["status"], status["error_code"]) == ("failed", "base_model_unavailable")
    assert (status["started_at"], status["billing"]["billable_seconds"]) == (None, 0)


def test_settings_that_the_trainer_would_not_take_are_refused_by_name(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    chosen = {"epochs": 3, "lora_rank": 16, "batch_size": 65, "quantization": "nf4", "packing": 1}
    refused = node.submit(order(**model(), hyperparameters=chosen))
    assert refused.status_code == 400
    for name in ("lora_rank", "batch_size", "quantization", "packing"):
        assert f"hyperparameters.{name}" in refused.text


def test_a_run_starts_only_with_room_on_the_disk(machines: Machines, model: Models, order: Orders) -> None:
    node = machines("--min-free-gb", "1e9")
    status = node.wait_for(node.start(order(**model())), "failed", "completed")
    assert status["error_code"] == "disk_full"
    assert "--min-free-gb" in status["error_message"]


def test_what_only_training_needed_is_deleted_once_all_is_delivered(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    node = machines()
    external_id = node.start(order(**model(), **with_callback(plane)))
    node.wait_for(external_id, "completed")
    node.stop()
    left = {path.name for path in (node.state_dir / "runs" / external_id).iterdir()}
    assert {"events.jsonl", "log.txt", "record.json", "output"} <= left
    assert not left & {"dataset.jsonl", "checkpoints"}


def test_a_trainer_knows_no_secret_of_the_node(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5), **with_callback(plane)))
    node.wait(external_id, reached(5))
    environ = Path(f"/proc/{trainer_pid(node, external_id)}/environ").read_bytes()
    assert b"HF_HUB_OFFLINE=1" in environ
    assert b"GPU_NODE_API_KEY" not in environ
    written = [path.read_bytes() for path in (node.state_dir / "runs" / external_id).glob("*.json")]
    assert not any(b"token-of-the-job" in content for content in written)


def test_a_job_tells_what_its_stage_is_busy_with(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    first = node.start(order(**model(halt_at=2)))
    assert node.wait(first, reached(2))["stage_detail"] == "10 steps"
    second = node.start(order(**model(halt_at=2)))
    waiting = node.wait(second, lambda status: status["stage"] == "queued_on_gpu")
    assert waiting["stage_detail"] == "Waiting for free GPUs"
    let_go(tmp_path)
    assert node.wait_for(first, "completed")["stage_detail"] is None


def test_a_job_whose_machine_was_being_made_ready_is_taken_up_after_a_kill(
    machines: Machines, model: Models, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/data/weights": [503] * 1000}
    late = LATE | {"url": f"{plane.url}/data/weights"}
    source = {"kind": "files", "location": "x", "files": [late]}
    node = machines()
    external_id = node.start(order(**model()) | {"base_model_source": source})
    node.wait(external_id, lambda status: status["stage"] == "model_loading")
    node.stop(kill=True)
    again = machines()
    status = again.wait(external_id, lambda status: status["stage"] == "model_loading")
    assert (status["status"], status["started_at"]) == ("queued", None)
