"""SIGTERM at any time: something is saved, and the exit code says so."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import runs

LONG = {"epochs": 50, "max_length": 256}


@pytest.fixture
def started() -> Iterator[Callable[[Path, str], "subprocess.Popen[bytes]"]]:
    """Starts a run and returns when its events or log hold a text; nothing is left behind."""
    children = []

    def start(run: Path, text: str) -> "subprocess.Popen[bytes]":
        child = runs.start(run)
        children.append(child)
        waiting, path = threading.Event(), run / "events.jsonl"
        while child.poll() is None and not (path.exists() and text in path.read_text("utf-8")):
            waiting.wait(0.02)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()


def test_a_stop_saves_a_checkpoint_and_the_next_start_goes_on_from_it(
    model: Path, data: Path, tmp_path: Path, started: Callable[[Path, str], "subprocess.Popen[bytes]"]
) -> None:
    run = runs.make_run(tmp_path / "run", model, data, **LONG, save_steps=400)
    child = started(run, '"step": 3,')
    child.terminate()

    assert child.wait() == 3
    saved = runs.events(run, "checkpoint")[-1]
    assert saved["step"] == max(runs.losses(run))
    assert runs.events(run)[-1]["outcome"] == "stopped"
    assert not (run / "output").exists()

    again = started(run, f'"step": {saved["step"] + 1},')
    again.terminate()
    assert again.wait() == 3
    assert runs.events(run, "start")[-1]["resumed_from_step"] == saved["step"]


def test_a_stop_that_keeps_the_adapter_exports_it_first(
    model: Path, data: Path, tmp_path: Path, started: Callable[[Path, str], "subprocess.Popen[bytes]"]
) -> None:
    run = runs.make_run(tmp_path / "run", model, data, **LONG)
    child = started(run, '"step": 3,')
    (run / "stop.json").write_text(json.dumps({"keep_adapter": True, "grace_s": 30}), "utf-8")
    child.terminate()

    assert child.wait() == 3
    kinds = [each["event"] for each in runs.events(run)][-3:]
    assert kinds == ["output", "checkpoint", "end"] or kinds[-2:] == ["output", "end"]
    summary = runs.summary(run)
    assert (summary["is_partial"], summary["stopped"]) == (True, "cancelled")
    assert (run / "output" / "adapter_model.safetensors").exists()


def test_a_stop_while_importing_ends_at_once_with_nothing_to_save(
    model: Path, data: Path, tmp_path: Path, started: Callable[[Path, str], "subprocess.Popen[bytes]"]
) -> None:
    run = runs.make_run(tmp_path / "run", model, data, **LONG)
    child = started(run, '"start"')
    child.terminate()

    assert child.wait() == 3
    assert [each["event"] for each in runs.events(run)][-1] == "end"
    assert not (run / "checkpoints").exists()


def test_a_stop_while_importing_keeps_the_adapter_of_the_checkpoint(
    finished: Path, model: Path, tmp_path: Path, started: Callable[[Path, str], "subprocess.Popen[bytes]"]
) -> None:
    resume = {"path": str(finished / "checkpoints" / "step-000004-r0"), "step": 4, "run_id": None}
    run = runs.make_run(tmp_path / "run", model, finished.parent / "data.jsonl", **LONG, resume_from=resume)
    (run / "stop.json").write_text('{"keep_adapter": true, "grace_s": 30}', "utf-8")
    child = started(run, '"preprocessing"')
    child.terminate()

    assert child.wait() == 3
    assert runs.summary(run)["is_partial"] is True
    assert runs.summary(run)["steps"] >= 4


def test_two_processes_that_are_asked_to_stop_twice_still_save(
    model: Path, data: Path, tmp_path: Path, started: Callable[[Path, str], "subprocess.Popen[bytes]"]
) -> None:
    run = runs.make_run(tmp_path / "run", model, data, **LONG, save_steps=400, device={"kind": "cpu", "count": 2})
    child = started(run, '"step": 3,')
    (run / "stop.json").write_text('{"keep_adapter": true, "grace_s": 30}', "utf-8")
    child.terminate()
    waiting = threading.Event()
    while child.poll() is None and '"saving"' not in (run / "events.jsonl").read_text("utf-8"):
        waiting.wait(0.005)
    child.terminate()

    assert child.wait() == 3
    assert [each["event"] for each in runs.events(run)][-3:] == ["output", "checkpoint", "end"]
