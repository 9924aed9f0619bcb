"""Fixtures: one shared node for whatever leaves no trace, a fresh one where a test changes the machine."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from servers import NodeProcess, Outside
from training import Machines, Models

Orders = Callable[..., dict[str, Any]]
Nodes = Callable[..., NodeProcess]

DATASET = b"".join(b'{"messages": [{"role": "user", "content": "question %d"}]}\n' % n for n in range(300))
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def outside() -> Iterator[Outside]:
    """The control plane's side, shared."""
    server = Outside()
    server.datasets["/data/train.jsonl"] = DATASET
    yield server
    server.close()


@pytest.fixture
def order(outside: Outside) -> Orders:
    """Makes orders as the control plane sends them; keyword arguments replace fields."""

    def make(**changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "job_id": f"job-{next(_numbers)}",
            "attempt": 1,
            "dataset_url": f"{outside.url}/data/train.jsonl",
            "dataset": {
                "url": f"{outside.url}/data/train.jsonl",
                "sha256": hashlib.sha256(DATASET).hexdigest(),
                "bytes": len(DATASET),
                "url_expires_at": "2030-01-01T00:00:00Z",
            },
            "base_model": "SmolLM2-135M",
            "hyperparameters": {"learning_rate": 2e-4, "batch_size": 4, "epochs": 3, "rank": 16},
            "gpu_config": {"type": "H100-80GB", "count": 1},
            "limits": {"max_runtime_s": 3600},
            "labels": {"installation": "tests", "owner": "alice"},
        }
        return {key: value for key, value in (body | changes).items() if value is not None}

    return make


@pytest.fixture
def long_order(order: Orders) -> Orders:
    """`order`, for jobs that train until they are stopped, however busy the machine is that looks."""

    def make(**changes: Any) -> dict[str, Any]:
        return order(hyperparameters={"epochs": 3000, "logging_steps": 1}, **changes)

    return make


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Starts nodes of a test's own; all end with the test."""
    with ExitStack() as stack:

        def start(*options: str, state: str = "state", faults: bool = True) -> NodeProcess:
            return stack.enter_context(NodeProcess(tmp_path / state, *options, faults=faults))

        yield start


@pytest.fixture(scope="session")
def _fast_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with NodeProcess(tmp_path_factory.mktemp("fast"), "--gpu", "H100-80GB:1000", "--speed", "2000") as node:
        yield node


@pytest.fixture(scope="session")
def _slow_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with NodeProcess(tmp_path_factory.mktemp("slow"), "--gpu", "H100-80GB:1000", "--speed", "10") as node:
        yield node


@pytest.fixture
def fast_node(_fast_node: NodeProcess) -> Iterator[NodeProcess]:
    """A level-2 node on which a job takes a few hundredths of a second."""
    yield _fast_node
    _fast_node.client.delete("/faults")


@pytest.fixture
def hasty_node(nodes: Nodes) -> NodeProcess:
    """As fast, and without patience for uploads."""
    return nodes("--gpu", "H100-80GB:8", "--speed", "2000", "--upload-patience", "0")


@pytest.fixture
def slow_node(_slow_node: NodeProcess) -> Iterator[NodeProcess]:
    """A level-2 node on which a job takes a few seconds; a `long_order` is sure to be found running."""
    yield _slow_node
    _slow_node.client.delete("/faults")


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


@pytest.fixture
def plane() -> Iterator[Outside]:
    """A control plane of the test's own."""
    server = Outside()
    server.datasets["/data/train.jsonl"] = DATASET
    yield server
    server.close()
