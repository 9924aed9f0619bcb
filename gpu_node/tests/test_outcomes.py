"""Runs that go wrong on purpose, over a real socket."""

import pytest

from conftest import Orders
from servers import NodeProcess


def test_a_cancel_is_accepted_and_the_gpus_never_get_free(slow_node: NodeProcess, long_order: Orders) -> None:
    body = long_order()
    external_id = slow_node.start(body)
    slow_node.fault(route="job", job_id=body["job_id"], effect={"outcome": {"kind": "ignores_stop"}})
    slow_node.wait(external_id, lambda status: status["current_step"] > 0)
    assert slow_node.client.post(f"/training/cancel/{external_id}", json={"grace_s": 0}).status_code == 202
    status = slow_node.status(external_id)
    assert (status["status"], status["released_at"]) == ("cancelling", None)
    slow_node.client.delete("/faults")
    slow_node.wait_for(external_id, "cancelled")


def test_a_job_finishes_while_it_is_being_cancelled(slow_node: NodeProcess, long_order: Orders) -> None:
    body = long_order()
    slow_node.fault(route="job", job_id=body["job_id"], effect={"outcome": {"kind": "finishes_on_stop"}})
    external_id = slow_node.start(body)
    slow_node.wait(external_id, lambda status: status["current_step"] > 0)
    slow_node.client.post(f"/training/cancel/{external_id}", json={})
    status = slow_node.wait_for(external_id, "completed", "cancelled")
    assert status["status"] == "completed"
    assert status["billing"]["final"] is True


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("fail", "training_failed"),
        ("out_of_memory", "out_of_memory"),
        ("nan_loss", "nan_loss"),
        ("node_lost", "node_lost"),
    ],
)
def test_a_run_fails_in_the_middle(kind: str, code: str, fast_node: NodeProcess, order: Orders) -> None:
    body = order()
    fast_node.fault(route="job", job_id=body["job_id"], effect={"outcome": {"kind": kind, "at_step": 20}})
    external_id = fast_node.start(body)
    status = fast_node.wait_for(external_id, "failed", "completed")
    assert (status["status"], status["error_code"]) == ("failed", code)
    assert status["error_message"]
    assert 20 <= status["current_step"] <= 25
    assert status["billing"]["final"] is True


def test_a_nan_loss_arrives_as_null_and_by_name(fast_node: NodeProcess, order: Orders) -> None:
    body = order()
    outcome = {"kind": "nan_loss", "at_step": 20, "survives": True}
    fast_node.fault(route="job", job_id=body["job_id"], effect={"outcome": outcome})
    external_id = fast_node.start(body)
    assert fast_node.wait_for(external_id, "failed", "completed")["status"] == "completed"
    points = fast_node.get(f"/training/metrics/{external_id}")["points"]
    assert points[-1]["nonfinite"] == {"validation_loss": "NaN"}
    assert points[-2]["nonfinite"] == {"training_loss": "NaN", "gradient_norm": "Infinity"}
    assert points[-2]["values"]["training_loss"] is None
    assert points[0]["nonfinite"] == {}


def test_a_preempted_run_resumes_with_a_higher_restart(fast_node: NodeProcess, order: Orders) -> None:
    body = order()
    outcome = {"kind": "preempted", "at_step": 50, "for_s": 0.01}
    fast_node.fault(route="job", job_id=body["job_id"], effect={"outcome": outcome})
    external_id = fast_node.start(body)
    status = fast_node.wait_for(external_id, "completed")
    assert status["restart"] == 1
    assert status["state_seq"] == 4
    assert "preempted at step 50, resumed from step 42" in [each["reason"] for each in status["transitions"]]
    points = fast_node.get(f"/training/metrics/{external_id}")["points"]
    keys = [(point["restart"], point["step"]) for point in points if "training_loss" in point["values"]]
    assert keys == [(0, step) for step in range(1, 51)] + [(1, step) for step in range(43, 205)]


def test_a_run_hangs_without_a_heartbeat_until_the_fault_is_lifted(
    slow_node: NodeProcess, order: Orders
) -> None:
    body = order()
    outcome = {"kind": "hang", "at_step": 5}
    number = slow_node.fault(route="job", job_id=body["job_id"], effect={"outcome": outcome})
    external_id = slow_node.start(body)
    first = slow_node.wait(external_id, lambda status: status["current_step"] == 5)
    second = slow_node.wait(external_id, lambda status: status["heartbeat_at"] == first["heartbeat_at"])
    assert (second["status"], second["current_step"]) == ("running", 5)
    slow_node.client.delete(f"/faults/{number}")
    slow_node.wait(external_id, lambda status: status["current_step"] > 5)
