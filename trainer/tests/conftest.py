"""A tiny model, its data, and one finished run that many tests look at."""

from pathlib import Path
from typing import Any

import pytest

import runs
import tiny


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
