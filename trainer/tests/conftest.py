"""A tiny model, its data, and one finished run that many tests look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import runs
import tiny


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small gains nothing from a second thread, and loses much on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.write_lines(tmp_path_factory.mktemp("data") / "data.jsonl", runs.chats(40))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, model: Path, data: Path) -> Path:
    """Two epochs in 10 steps with two batches each, checkpoints every 4, one bad line in the data."""
    folder = tmp_path_factory.mktemp("finished")
    lines = [*runs.chats(40), {"messages": "none"}]
    own = runs.write_lines(folder / "data.jsonl", lines)
    run = runs.make_run(folder / "run", model, own, **FINISHED)
    assert runs.start(run).wait() == 0, (run / "log.txt").read_text("utf-8")
    return run


FINISHED: dict[str, Any] = {"epochs": 2, "gradient_accumulation_steps": 2, "dropout": 0.1, "save_steps": 4}
