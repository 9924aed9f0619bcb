"""A run that was killed, stopped or moved goes on as if nothing had happened."""

import json
import shutil
from pathlib import Path

import conftest
import runs


def _again(run: Path, folder: Path, upto: str) -> Path:
    """A copy of the run as it was when the checkpoint `upto` had just been saved and the process was killed."""
    shutil.copytree(run, folder)
    shutil.rmtree(folder / "output")
    for path in (folder / "checkpoints").iterdir():
        if path.name > upto:
            shutil.rmtree(path)
    lines = (folder / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    last = next(index for index, line in enumerate(lines) if f"checkpoints/{upto}" in line)
    (folder / "events.jsonl").write_text("".join(lines[: last + 3]) + '{"event": "poi', "utf-8")
    return folder


def test_a_killed_run_ends_with_the_losses_and_weights_of_an_uninterrupted_one(finished: Path, tmp_path: Path) -> None:
    run = _again(finished, tmp_path / "again", "step-000004-r0")
    (run / "checkpoints" / ".partial-step-000008-r0").mkdir()

    assert runs.start(run).wait() == 0, (run / "log.txt").read_text("utf-8")

    assert not list((run / "checkpoints").glob(".partial-*"))
    text = (run / "events.jsonl").read_text("utf-8").replace('{"event": "poi\n', "")
    (run / "events.jsonl").write_text(text, "utf-8")  # the half line of the kill is not JSON
    second = runs.events(run, "start")[-1]
    assert (second["restart"], second["resumed_from_step"]) == (1, 4)
    repeated = [each["step"] for each in runs.events(run, "point") if each["restart"] == 1]
    assert repeated[0] == 5
    assert runs.losses(run) == runs.losses(finished)
    assert runs.losses(run, "validation_loss") == runs.losses(finished, "validation_loss")
    name = "output/adapter_model.safetensors"
    assert (run / name).read_bytes() == (finished / name).read_bytes()
    assert runs.summary(run)["restarts"] == 1
    assert runs.summary(run)["tokens"] == runs.summary(finished)["tokens"]
    assert [each["path"] for each in runs.events(run, "checkpoint")][-2:] == [
        "checkpoints/step-000008-r1",
        "checkpoints/step-000010-r1",
    ]


def test_another_run_goes_on_from_a_checkpoint_with_more_steps(finished: Path, model: Path, tmp_path: Path) -> None:
    source = finished / "checkpoints" / "step-000010-r0"
    resume = {"path": str(source), "step": 10, "run_id": "finished"}
    settings = conftest.FINISHED | {"max_steps": 12, "learning_rate": 1e-3, "early_stopping_patience": 2}
    run = runs.make_run(tmp_path / "more", model, finished.parent / "data.jsonl", resume_from=resume, **settings)

    assert runs.here(run) == 0

    assert sorted(runs.losses(run)) == [11, 12]
    rates = runs.losses(run, "learning_rate")
    assert max(rates.values()) < 1e-3  # this job's rate, late in its schedule, not the checkpoint's
    assert runs.summary(run)["resumed_from_step"] == 10
    assert runs.summary(run)["base_validation_loss"] == runs.losses(finished, "validation_loss")[0]


def test_a_checkpoint_of_another_rank_is_refused_with_what_must_agree(
    finished: Path, model: Path, data: Path, tmp_path: Path
) -> None:
    resume = {"path": str(finished / "checkpoints" / "step-000004-r0"), "step": 4, "run_id": None}
    run = runs.make_run(tmp_path / "rank", model, data, resume_from=resume, rank=4)

    assert runs.here(run) == 4

    end = runs.events(run, "end")[0]
    assert end["error_code"] == "settings_invalid"
    assert "rank" in end["error_message"]


def test_a_run_that_was_killed_after_its_last_step_only_writes_its_output(finished: Path, tmp_path: Path) -> None:
    run = _again(finished, tmp_path / "last", "step-000010-r0")
    assert runs.here(run) == 0
    name = "output/adapter_model.safetensors"
    assert (run / name).read_bytes() == (finished / name).read_bytes()
    assert json.loads((run / "output" / "training_summary.json").read_text("utf-8"))["steps"] == 10
