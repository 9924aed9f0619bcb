"""What the node does over the network by itself: fetch datasets, upload files, give hints."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from conftest import DATASET, Nodes, Orders
from servers import NodeProcess, Outside


def with_callback(plane: Outside, **more: Any) -> dict[str, Any]:
    dataset = {"url": f"{plane.url}/data/train.jsonl", "sha256": hashlib.sha256(DATASET).hexdigest()}
    callback = {"callback_url": plane.callback_url, "callback_token": "token-of-the-job"}
    return callback | {"dataset": dataset | {"bytes": len(DATASET)}} | more


def test_files_are_uploaded_to_signed_urls_before_the_job_is_completed(
    fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    external_id = fast_node.start(order(**with_callback(plane)))
    status = fast_node.wait_for(external_id, "completed")
    listed = fast_node.get(f"/training/artifacts/{external_id}")
    assert {file["url"] for file in listed["files"]} == {None}
    assert listed["complete"] is True
    for file in listed["files"]:
        content = plane.uploads[f"/bucket/{file['path']}"]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
    assert plane.upload_headers["x-checked"]
    assert "authorization" not in plane.upload_headers
    assert plane.tokens == {"Bearer token-of-the-job"}
    assert status["released_at"] < status["ended_at"]


def test_a_job_says_uploading_with_its_gpus_free_until_the_upload_is_settled(
    nodes: Nodes, order: Orders, plane: Outside
) -> None:
    node = nodes("--gpu", "H100-80GB:8", "--speed", "2000")
    plane.answers = {"/callback/uploads": [503] * 1000}
    external_id = node.start(order(**with_callback(plane)))
    status = node.wait(external_id, lambda status: status["stage"] == "uploading")
    assert status["status"] == "running"
    assert status["progress"] < 100
    assert status["billing"]["final"] is True
    assert status["released_at"] is not None
    assert node.get(f"/training/artifacts/{external_id}")["complete"] is False
    plane.answers = {}
    assert node.wait_for(external_id, "completed")["billing"] == status["billing"]


def test_uploads_that_break_are_tried_again(fast_node: NodeProcess, order: Orders, plane: Outside) -> None:
    plane.answers = {"/bucket/adapter_config.json": [500]}
    external_id = fast_node.start(order(**with_callback(plane)))
    fast_node.wait_for(external_id, "completed")
    assert len(plane.uploads) == 4
    assert plane.calls.count("POST /callback/uploads") == 2
    assert plane.calls.count("PUT /bucket/README.md") == 1


@pytest.mark.parametrize("refusal", [404, 503])
def test_files_are_listed_for_download_where_uploading_stays_impossible(
    refusal: int, hasty_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/callback/uploads": [refusal] * 1000}
    external_id = hasty_node.start(order(**with_callback(plane)))
    hasty_node.wait_for(external_id, "completed")
    files = hasty_node.get(f"/training/artifacts/{external_id}")["files"]
    assert files
    assert all(file["url"].startswith(hasty_node.url) for file in files)


def test_a_kept_adapter_of_a_cancelled_job_is_uploaded_too(
    slow_node: NodeProcess, long_order: Orders, plane: Outside
) -> None:
    external_id = slow_node.start(long_order(**with_callback(plane)))
    slow_node.wait(external_id, lambda status: status["current_step"] > 3)
    slow_node.client.post(f"/training/cancel/{external_id}", json={"keep_adapter": True})
    slow_node.wait_for(external_id, "cancelled")
    assert "/bucket/adapter_model.safetensors" in plane.uploads


def test_every_change_of_state_is_hinted_and_signed(
    fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    external_id = fast_node.start(order(**with_callback(plane)))
    fast_node.wait_for(external_id, "completed")
    fast_node.wait(external_id, lambda status: len(plane.events) == 3)
    seen = []
    for body, headers in plane.events:
        signature = hmac.new(b"token-of-the-job", body, hashlib.sha256).hexdigest()
        assert headers["x-signature"] == f"sha256={signature}"
        event = json.loads(body)
        assert event["external_job_id"] == external_id
        assert event["event_id"] == f"{external_id}:{event['state_seq']}"
        assert event["at"].endswith("Z")
        seen.append((event["state_seq"], event["state"]))
    assert sorted(seen) == [(1, "queued"), (2, "running"), (3, "completed")]


def test_a_control_plane_that_does_not_listen_blocks_nothing(
    hasty_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/callback": [500] * 1000}
    external_id = hasty_node.start(order(**with_callback(plane)))
    assert hasty_node.wait_for(external_id, "completed", "failed")["status"] == "completed"


def test_an_expired_dataset_url_is_replaced_by_a_fresh_one(
    fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/data/train.jsonl": [403]}
    plane.datasets["/data/fresh"] = DATASET
    external_id = fast_node.start(order(**with_callback(plane)))
    fast_node.wait_for(external_id, "completed")
    assert "GET /callback/dataset" in plane.calls
    assert "GET /data/fresh" in plane.calls


def test_a_dataset_that_stays_refused_fails_the_job(
    fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.answers = {"/data": [403] * 10}
    external_id = fast_node.start(order(**with_callback(plane, callback_url=None)))
    status = fast_node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["error_code"]) == ("failed", "dataset_unreachable")
    assert "403" in status["error_message"]
    assert plane.url not in status["error_message"]
    assert status["billing"]["final"] is True


def test_a_break_while_fetching_is_tried_again(fast_node: NodeProcess, order: Orders, plane: Outside) -> None:
    plane.answers = {"/data/train.jsonl": [500]}
    external_id = fast_node.start(order(**with_callback(plane)))
    fast_node.wait_for(external_id, "completed")
    assert plane.calls.count("GET /data/train.jsonl") == 2


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"bytes": 10}, {"bytes": 10**9}])
def test_a_dataset_that_is_not_the_one_ordered_fails_the_job(
    change: dict[str, Any], fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    body = with_callback(plane)
    external_id = fast_node.start(order(**(body | {"dataset": body["dataset"] | change})))
    status = fast_node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["error_code"]) == ("failed", "dataset_hash_mismatch")


def test_a_dataset_without_lines_fails_the_job(fast_node: NodeProcess, order: Orders, plane: Outside) -> None:
    plane.datasets["/data/blank"] = b"\n \n\n"
    body = order(dataset=None, dataset_url=f"{plane.url}/data/blank")
    status = fast_node.wait_for(fast_node.start(body), "completed", "failed")
    assert status["error_code"] == "dataset_empty"


def test_steps_follow_from_the_real_number_of_lines(
    fast_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.datasets["/data/odd"] = b'\n{"a": 1}\n\n{"a": 2}\r\n   \n' + b'{"a": 3}\n' * 8 + b'{"a": 4}'
    chosen = {"batch_size": 2, "epochs": 2, "gradient_accumulation_steps": 2}
    body = order(dataset=None, dataset_url=f"{plane.url}/data/odd", hyperparameters=chosen)
    status = fast_node.wait_for(fast_node.start(body), "completed", "failed")
    # 10 of 11 lines: 5 micro-batches of 2, 3 steps of 2 micro-batches per epoch, 2 epochs.
    assert (status["status"], status["total_steps"]) == ("completed", 6)


def test_a_repeated_cancel_does_not_lose_the_adapter_that_is_on_its_way(
    nodes: Nodes, long_order: Orders, plane: Outside
) -> None:
    node = nodes("--gpu", "H100-80GB:8", "--speed", "10")
    plane.answers = {"/callback/uploads": [503] * 1000}
    external_id = node.start(long_order(**with_callback(plane)))
    node.wait(external_id, lambda status: status["current_step"] > 3)
    node.client.post(f"/training/cancel/{external_id}", json={"keep_adapter": True})
    node.wait(external_id, lambda status: status["stage"] == "uploading")
    again = node.client.post(f"/training/cancel/{external_id}", json={"keep_adapter": True})
    assert (again.status_code, again.json()["status"]) == (202, "cancelling")
    plane.answers = {}
    node.wait_for(external_id, "cancelled")
    assert "/bucket/adapter_model.safetensors" in plane.uploads


def test_upload_urls_that_make_no_sense_leave_the_files_to_be_fetched(
    hasty_node: NodeProcess, order: Orders, plane: Outside
) -> None:
    plane.ticket_changes = {"headers": {"x-checked": 5}}
    external_id = hasty_node.start(order(**with_callback(plane)))
    hasty_node.wait_for(external_id, "completed")
    files = hasty_node.get(f"/training/artifacts/{external_id}")["files"]
    assert all(file["url"].startswith(hasty_node.url) for file in files)
