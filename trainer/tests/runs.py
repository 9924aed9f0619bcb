"""Run folders for tests: a job file, a small data set, and the trainer as a child process or in this one."""

import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import tiny
from lora_trainer.stopping import Stopper
from lora_trainer.train import train

SOURCE = Path(__file__).resolve().parent.parent / "src"
QUICK: dict[str, Any] = {"learning_rate": 5e-3, "rank": 8, "alpha": 16, "max_length": 256, "batch_size": 4}


def chats(count: int) -> list[dict[str, Any]]:
    names = ("notes.txt", "report.csv", "access.log", "todo.md")
    return [
        {
            "messages": [
                {"role": "user", "content": f"How do I see the last {number} lines of {names[number % 4]}?"},
                {"role": "assistant", "content": f"Do: tail -n {number} {names[number % 4]}"},
            ]
        }
        for number in range(count)
    ]


def write_lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def make_run(folder: Path, model: Path, data: Path, **changes: Any) -> Path:
    """A folder with job.json; `changes` are hyperparameters, or keys of the job where it has them."""
    folder.mkdir(parents=True, exist_ok=True)
    job: dict[str, Any] = {
        "schema": 1,
        "run_id": folder.name,
        "job_id": f"job-{folder.name}",
        "base_model": {"name": tiny.NAME, "path": str(model), "licence": "Apache-2.0"},
        "dataset": {"path": str(data), "sha256": hashlib.sha256(data.read_bytes()).hexdigest()},
        "validation": None,
        "hyperparameters": dict(QUICK),
        "device": {"kind": "cpu", "count": 1},
        "resume_from": None,
    }
    for name, value in changes.items():
        (job if name in job else job["hyperparameters"])[name] = value
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    return folder


def start(run: Path) -> "subprocess.Popen[bytes]":
    """The trainer as a child process; its output goes to log.txt."""
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with (run / "log.txt").open("ab") as log:
        command = [sys.executable, "-m", "lora_trainer", "train", str(run)]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def here(run: Path) -> int:
    """The same in this process, without the seconds that imports take; the exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the libraries; a child process only prints them
        return train(run, Stopper())


def events(run: Path, kind: str | None = None) -> list[dict[str, Any]]:
    lines = (run / "events.jsonl").read_text("utf-8").splitlines()
    found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [each for each in found if kind is None or each["event"] == kind]


def losses(run: Path, name: str = "training_loss") -> dict[int, float]:
    """By step; the latest restart's value where a step was repeated."""
    return {point["step"]: point["values"][name] for point in events(run, "point") if name in point["values"]}


def summary(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "output" / "training_summary.json").read_text("utf-8"))
    return content
