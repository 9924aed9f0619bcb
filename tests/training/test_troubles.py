"""Processes killed in mid-run, machines lost, jobs cancelled: no step doubled, none missing, nothing left running."""

from typing import Any

from tests.training.ground import STEPS, Ground, is_running

# Never done before it is cancelled.
ENDLESS = {"max_steps": 100_000, "save_steps": 10, "eval_steps": 1000}


def curve(points: list[dict[str, Any]]) -> dict[int, float]:
    """The losses as readers see them: of each step the latest restart's; a doubled point is an error."""
    seen = [(point["restart"], point["step"]) for point in points]
    assert len(set(seen)) == len(seen)
    latest = sorted((point for point in points if point["training_loss"] is not None), key=lambda p: p["restart"])
    return {point["step"]: point["training_loss"] for point in latest}


def test_a_killed_trainer_goes_on_from_its_last_checkpoint(ground: Ground) -> None:
    job_id = ground.interrupted(at_step=8, max_steps=40)
    job = ground.job(job_id)
    points = ground.points(job_id)
    assert sorted(curve(points)) == list(range(1, 41))
    assert {point["restart"] for point in points} == {0, 1}
    resumed = [point["step"] for point in points if point["restart"] == 1 and point["training_loss"] is not None]
    assert min(resumed) > 1  # not from the beginning
    assert job["current_step"] == 40


def test_a_killed_node_finds_its_trainer_again(ground: Ground) -> None:
    with ground.halted(at_step=4, max_steps=40) as job_id:
        trainer = ground.trainer(job_id)
        program = ground.kill_node()
        assert is_running(trainer)
    ground.installation.start(program)
    ground.completed(job_id)
    points = ground.points(job_id)
    assert sorted(curve(points)) == list(range(1, 41))
    assert {point["restart"] for point in points} == {0}


def test_a_cancel_stops_the_trainer_and_leaves_no_adapter(ground: Ground) -> None:
    job_id = ground.start(**ENDLESS)
    ground.at_step(job_id, 4)
    trainer = ground.trainer(job_id)
    ground.post(f"jobs/{job_id}/cancel", {})
    job = ground.until(job_id, lambda job: job["status"] == "cancelled")
    assert not is_running(trainer)
    assert job["artifact_id"] is None


def test_a_cancel_that_keeps_the_adapter_hands_over_what_was_learned(ground: Ground) -> None:
    job_id = ground.start(**ENDLESS)
    ground.at_step(job_id, 4)
    trainer = ground.trainer(job_id)
    ground.post(f"jobs/{job_id}/cancel", {"keep_adapter": True})
    ground.until(job_id, lambda job: job["status"] == "cancelled")
    assert not is_running(trainer)
    artifact = ground.artifact(job_id)
    assert "adapter_model.safetensors" in {file["path"] for file in artifact["files"]}
    assert artifact["training_summary"]["is_partial"] is True


def test_a_new_job_goes_on_from_a_checkpoint_of_a_machine_that_is_gone(ground: Ground, trained: str) -> None:
    checkpoints = ground.get(f"jobs/{trained}/checkpoints")["checkpoints"]
    assert max(checkpoint["step"] for checkpoint in checkpoints) == STEPS
    ground.lose_machine()
    further = STEPS + 8
    body = {"resume_from": "latest", "hyperparameters": {"max_steps": further}}
    resumed = ground.post(f"jobs/{trained}/retry", body)["job"]
    job = ground.completed(resumed["id"])
    assert (job["resume_from"]["job_id"], job["resume_from"]["step"]) == (trained, STEPS)
    steps = sorted(curve(ground.points(resumed["id"])))
    assert steps == list(range(STEPS + 1, further + 1))
