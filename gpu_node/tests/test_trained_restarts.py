"""Runs that train go on after their trainer or their node was killed, or stopped."""

import os
import signal
from pathlib import Path

from conftest import Orders
from gpu_node.trained import child
from training import Machines, Models, gone, let_go, points, reached, trainer_pid

# Points of a run that died at step 6 and went on from the checkpoint of step 4.
SEAM_AT_4 = [(0, step) for step in range(1, 7)] + [(1, step) for step in range(5, 11)]


def test_a_child_outlives_a_killed_node_and_is_found_again(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5)))
    node.wait(external_id, reached(5))
    pid = trainer_pid(node, external_id)
    node.stop(kill=True)
    assert child.identify(pid) is not None

    again = machines()
    status = again.status(external_id)
    assert (status["status"], status["current_step"], status["restart"]) == ("running", 5, 0)
    let_go(tmp_path)
    again.wait_for(external_id, "completed")
    assert points(again, external_id) == [(0, step) for step in range(1, 11)]


def test_a_run_that_ended_while_the_node_was_away_has_its_end(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=5)))
    node.wait(external_id, reached(5))
    pid = trainer_pid(node, external_id)
    node.stop(kill=True)
    let_go(tmp_path)
    gone(pid)
    assert machines().status(external_id)["status"] == "completed"


def test_a_child_that_died_while_the_node_was_away_is_started_again(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=6)))
    node.wait(external_id, reached(6))
    pid = trainer_pid(node, external_id)
    node.stop(kill=True)
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    let_go(tmp_path)
    again = machines()
    status = again.wait_for(external_id, "completed")
    assert status["restart"] == 1
    assert points(again, external_id) == [(0, step) for step in range(1, 7)] + [
        (1, step) for step in range(5, 11)
    ]


def test_a_stopped_node_leaves_no_child_and_its_run_goes_on_from_a_checkpoint(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines()
    external_id = node.start(order(**model(halt_at=6)))
    node.wait(external_id, reached(6))
    pid = trainer_pid(node, external_id)
    node.stop()
    assert child.identify(pid) is None
    let_go(tmp_path)
    again = machines()
    status = again.wait_for(external_id, "completed")
    resumed = status["transitions"][2]
    assert resumed["reason"] == "the node was restarted; resumed from step 6"
    assert [step for _, step in points(again, external_id)] == list(range(1, 11))


def test_a_node_told_to_keep_its_children_leaves_them_running(
    machines: Machines, model: Models, order: Orders, tmp_path: Path
) -> None:
    node = machines("--keep-children")
    external_id = node.start(order(**model(halt_at=6)))
    node.wait(external_id, reached(6))
    node.stop()
    again = machines()
    assert again.status(external_id)["restart"] == 0
    let_go(tmp_path)
    assert again.wait_for(external_id, "completed")["restart"] == 0


def test_a_killed_trainer_resumes_from_its_last_checkpoint(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    external_id = node.start(order(**model(mishaps=[{"restart": 0, "step": 6, "how": "kill"}])))
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["restart"]) == ("completed", 1)
    reasons = [change["reason"] for change in status["transitions"]]
    assert "the trainer was killed (SIGKILL); resumed from step 4" in reasons
    assert points(node, external_id) == [(0, step) for step in range(1, 7)] + [
        (1, step) for step in range(5, 11)
    ]


def test_a_trainer_that_dies_twice_at_the_same_step_fails_the_job(
    machines: Machines, model: Models, order: Orders
) -> None:
    mishaps = [{"restart": restart, "step": 6, "how": "exit"} for restart in (0, 1)]
    node = machines()
    external_id = node.start(order(**model(mishaps=mishaps)))
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["error_code"], status["restart"]) == ("failed", "training_failed", 1)
    assert "started 2 times: the trainer ended with exit code 1" in status["error_message"]
    assert "Something broke" in status["error_message"]


def test_a_trainer_that_keeps_dying_is_given_up_after_three_restarts(
    machines: Machines, model: Models, order: Orders
) -> None:
    mishaps = [{"restart": restart, "step": 5 + restart, "how": "kill"} for restart in range(4)]
    node = machines()
    external_id = node.start(order(**model(mishaps=mishaps)))
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["error_code"], status["restart"]) == ("failed", "node_lost", 3)
    assert "lower batch_size" in status["error_message"]


def test_a_trainer_that_says_why_it_failed_is_not_started_again(
    machines: Machines, model: Models, order: Orders
) -> None:
    node = machines()
    external_id = node.start(order(**model(mishaps=[{"restart": 0, "step": 6, "how": "fail"}])))
    status = node.wait_for(external_id, "completed", "failed")
    assert (status["status"], status["error_code"], status["restart"]) == ("failed", "nan_loss", 0)
    assert status["error_message"] == "The loss is not a number; lower learning_rate."
