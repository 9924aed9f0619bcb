"""An installation whose node trains for real, a model of 0.7 million random weights, and ways to hurt them.

Everything goes through the HTTP API, as users do it; only the base model's row is made as an operator would.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from lora_pipeline.devstack import node, stack
from lora_pipeline.devstack.client import ApiError
from lora_pipeline.devstack.demo_data import shell_desk
from lora_pipeline.devstack.places import ROOT
from lora_pipeline.devstack.programs import Program
from lora_pipeline.devstack.remains import started_at
from tests.e2e.installation import Installation, installed

PYTHON = node.TRAINER / "bin" / "python"
BASE_MODEL = "tests/tiny-llama"
PATIENCE_SECONDS = 180
# A few seconds of training.
STEPS = 24
QUICK: dict[str, Any] = {
    "learning_rate": 5e-3,
    "rank": 8,
    "alpha": 16,
    "batch_size": 2,
    "max_length": 128,
    "max_steps": STEPS,
    "save_steps": 4,
    "eval_steps": 8,
}

_ADD_BASE_MODEL = """
from jobs.models import BaseModel
BaseModel.objects.create(name={name!r}, source="folder", location={folder!r}, parameters=700_000, context_length=4096)
"""


@dataclass(frozen=True)
class Ground:
    """What runs, the base model's folder, and alice's dataset."""

    installation: Installation
    model: Path
    dataset_id: str

    def get(self, path: str) -> dict[str, Any]:
        return self.installation.api("alice").get(path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.installation.api("alice").post(path, body)

    def start(self, **changes: Any) -> str:
        """A job of alice's on the one CPU slot; `changes` are hyperparameters. Returns its id."""
        body = {
            "dataset_id": self.dataset_id,
            "base_model": BASE_MODEL,
            "gpu_config": {"type": "CPU", "count": 1},
            "hyperparameters": {**QUICK, **changes},
        }
        return str(self.post("jobs", body)["job"]["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"jobs/{job_id}")["job"]
        return found

    def until(self, job_id: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job once it is as wanted; an end that was not wanted fails at once, with its log."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                job = self.job(job_id)
            except ApiError:  # SQLite was busy, or the like: asked again as the page would
                time.sleep(0.2)
                continue
            if reached(job):
                return job
            if job["status"] in {"completed", "failed", "cancelled"}:
                break
            time.sleep(0.2)
        raise AssertionError(f"{job['status']} {job['current_stage']} {job['error']}\n{self.log(job_id)}")

    def completed(self, job_id: str) -> dict[str, Any]:
        return self.until(job_id, lambda job: bool(job["status"] == "completed"))

    def settled(self, job_id: str) -> dict[str, Any]:
        """The job once it has completed, and what may come home later than that is there: its whole log, and the
        checkpoint of its last step."""
        job = self.completed(job_id)

        def is_home() -> bool:
            steps = [checkpoint["step"] for checkpoint in self.get(f"jobs/{job_id}/checkpoints")["checkpoints"]]
            return job["total_steps"] in steps and bool(self.get(f"jobs/{job_id}/logs")["complete"])

        self.installation.await_true(is_home)
        return job

    def at_step(self, job_id: str, step: int) -> Path:
        """Wait until its trainer has come so far; its run's folder. That is looked at, since pages know it a little
        later: on a busy machine too late to do anything about it."""
        job = self.until(job_id, lambda job: bool(job["external_job_id"]))
        folder = self._folder(job)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(point >= step for point in _steps(folder)):
            assert time.monotonic() < deadline, self.log(job_id)
            time.sleep(0.05)
        return folder

    @contextmanager
    def halted(self, *, at_step: int, max_steps: int) -> Iterator[str]:
        """A job whose trainer does nothing for the time of the block, not even end. It has trained so many steps, and
        not all of them: where a run was quicker than we are, another one is started."""
        while True:
            job_id = self.start(max_steps=max_steps)
            folder = self.at_step(job_id, at_step)
            trainer = _trainer(folder)
            _signal(trainer, signal.SIGSTOP)
            if max(_steps(folder)) < max_steps - 1:  # one more may just be noted down
                break
            _signal(trainer, signal.SIGCONT)
            self.completed(job_id)
        try:
            yield job_id
        finally:
            _signal(trainer, signal.SIGCONT)

    def interrupted(self, *, at_step: int, max_steps: int) -> str:
        """The id of a job that has completed although its trainer was killed in mid-run."""
        with self.halted(at_step=at_step, max_steps=max_steps) as job_id:
            os.killpg(self.trainer(job_id), signal.SIGKILL)
        self.settled(job_id)
        return job_id

    def points(self, job_id: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.get(f"jobs/{job_id}/metrics")["metrics"]
        return listed

    def artifact(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"jobs/{job_id}/artifact")["artifact"]
        return found

    def download(self, job_id: str, into: Path) -> Path:
        """The adapter's files, from the bucket by their signed URLs."""
        into.mkdir(parents=True)
        for file in self.artifact(job_id)["files"]:
            answer = requests.get(file["url"], timeout=30)
            answer.raise_for_status()
            (into / file["path"]).write_bytes(answer.content)
        return into

    def log(self, job_id: str) -> str:
        folder = self.run_folder(job_id)
        return (folder / "log.txt").read_text()[-3000:] if (folder / "log.txt").exists() else "(no log)"

    def run_folder(self, job_id: str) -> Path:
        """Where the node keeps the job's latest run."""
        return self._folder(self.job(job_id))

    def _folder(self, job: dict[str, Any]) -> Path:
        return self.node_state / "runs" / str(job["external_job_id"])

    @property
    def node_state(self) -> Path:
        return self.installation.logs.parent / "data" / "gpu-node"

    def trainer(self, job_id: str) -> int:
        """The pid of the job's trainer."""
        return _trainer(self.run_folder(job_id))

    def kill_node(self) -> Program:
        """kill -9 the node alone; its program, to be started again on the same state."""
        process = self.installation.process("gpu-node")
        process.kill()
        process.wait()
        return next(program for program in self.installation.stack.servers if program.name == "gpu-node")

    def lose_machine(self) -> None:
        """The node with all it had on its disk goes; an empty one takes its place."""
        program = self.installation.stop("gpu-node")
        shutil.rmtree(self.node_state)
        self.installation.start(program)


def _steps(run: Path) -> Iterator[int]:
    """The steps of a run that are written down so far; the last line may be half of one."""
    events = run / "events.jsonl"
    for line in events.read_text().splitlines(keepends=True) if events.exists() else ():
        if line.endswith("\n") and '"event": "point"' in line:
            yield int(json.loads(line)["step"])


def _trainer(run: Path) -> int:
    """Its pid, which is that of its group."""
    return int((run / "process").read_text().split(" ", 1)[0])


def _signal(trainer: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended
        os.killpg(trainer, number)


def is_running(pid: int) -> bool:
    return started_at(pid) is not None


def ask_trainer(code: str, *arguments: str | Path) -> Any:
    """What a Python program prints as JSON, run where peft and torch are and nothing of ours is."""
    call = [str(PYTHON), "-W", "ignore", "-c", code, *map(str, arguments)]
    ended = subprocess.run(call, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


@contextmanager
def prepared(folder: Path) -> Iterator[Ground]:
    """A ready ground, everything on it stopped at the end of the block."""
    model = _make_model(folder / "tiny-llama")
    with installed(folder / "installation", stack.Options(level=2, speed=None, poll_seconds=1)) as running:
        environment = dict(running.stack.preparation.environment)
        code = _ADD_BASE_MODEL.format(name=BASE_MODEL, folder=str(model))
        subprocess.run([sys.executable, "manage.py", "shell", "-c", code], cwd=ROOT, env=environment, check=True)
        running.store("alice", "shell-desk.jsonl", shell_desk().contents)
        imported = running.api("alice").post(
            "datasets/import", {"path": "alice/shell-desk.jsonl", "name": "Shell desk"}
        )
        dataset = running.await_ready("alice", imported["dataset"])
        yield Ground(running, model, dataset["id"])


def _make_model(folder: Path) -> Path:
    """Made in the trainer's environment, by what its own tests use."""
    code = "import sys, pathlib, tiny; tiny.make_model(pathlib.Path(sys.argv[1]))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "trainer" / "tests")}
    subprocess.run([str(PYTHON), "-c", code, str(folder)], env=environment, check=True, capture_output=True)
    return folder
