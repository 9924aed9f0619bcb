"""The trainer's environment is made by the trainer's own program; its words and its advice reach the user."""

import json
import sys
from pathlib import Path

import pytest

from bootstrap import trainer
from bootstrap.installer import SetupFailed


def checkout(root: Path, *lines: dict[str, object], code: int = 0) -> Path:
    """A checkout whose install.py says these lines and ends with this code."""
    (root / "trainer").mkdir()
    said = [json.dumps(line) for line in lines]
    (root / "trainer" / "install.py").write_text(f"import sys\nfor line in {said!r}: print(line)\nsys.exit({code})\n")
    return root


def test_it_returns_the_python_that_the_installation_names(tmp_path: Path) -> None:
    root = checkout(tmp_path, {"progress": 100, "text": "ready"}, {"done": True, "python": sys.executable})
    assert trainer.ready(root) == Path(sys.executable)


def test_it_says_now_and_then_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [{"progress": number, "text": f"Fetching part {number}"} for number in range(1, 31)]
    trainer.ready(checkout(tmp_path, *steps, {"done": True, "python": sys.executable}))
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("… ")[2] for line in said] == [
        f"{number}% (Fetching part {number})" for number in (10, 20, 30)
    ]


def test_a_failure_carries_its_advice(tmp_path: Path) -> None:
    root = checkout(tmp_path, {"error": "disk_full", "text": "make room"}, code=1)
    with pytest.raises(SetupFailed, match="make room"):
        trainer.ready(root)
