"""Runs that train: a real node process, real child processes of a pretended trainer, seen through the API."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conftest import Orders
from servers import NodeProcess, Outside

Machines = Callable[..., NodeProcess]
Models = Callable[..., dict[str, Any]]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Starts nodes that train with the pretended trainer; all end with the test."""
    with ExitStack() as stack:

        def start(*options: str, state: str = "state") -> NodeProcess:
            return stack.enter_context(NodeProcess(tmp_path / state, *options, simulated=False))

        yield start


@pytest.fixture
def model(tmp_path: Path) -> Models:
    """Makes a base model that tells the pretended trainer how to behave; returns the fields of an order."""

    def make(**behaviour: Any) -> dict[str, Any]:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"steps": 10, "save_every": 4} | behaviour))
        return {
            "base_model_source": {"kind": "folder", "location": str(folder)},
            "gpu_config": {"type": "CPU", "count": 1},
        }

    return make


def let_go(tmp_path: Path) -> None:
    """Lets a halted trainer go on."""
    (tmp_path / "model" / "go").touch()


def reached(step: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["current_step"] >= step


def points(node: NodeProcess, external_id: str) -> list[tuple[int, int]]:
    listed = node.get(f"/training/metrics/{external_id}")["points"]
    assert [point["seq"] for point in listed] == list(range(1, len(listed) + 1))
    return [(point["restart"], point["step"]) for point in listed]


def trainer_pid(node: NodeProcess, external_id: str) -> int:
    note = node.state_dir / "runs" / external_id / "process"
    return int(note.read_text().split()[0])


def test_a_job_is_provisioned_trained_and_its_files_are_offered(
    machines: Machines, model: Models, order: Orders, outside: Outside
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
