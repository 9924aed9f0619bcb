"""bin/… finds a fitting Python under any of its names, or says what to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCH = Path(__file__).resolve().parents[2] / "bootstrap" / "launch"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose commands only say how they were called."""
    (tmp_path / "bootstrap").mkdir()
    shutil.copy(LAUNCH, tmp_path / "bootstrap")
    (tmp_path / "bootstrap" / "__main__.py").write_text("import sys; print('called with', sys.argv[1:])\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def launch(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "bootstrap" / "launch", *arguments],
        env={"PATH": str(checkout / "tools")}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["python3", "python3.11", "python3.12", "python3.13", "python3.14"])
def test_a_python_is_found_under_any_name(checkout: Path, name: str) -> None:
    (checkout / "tools" / name).symlink_to(sys.executable)
    assert launch(checkout, "demo", "--port", "8000").stdout == "called with ['demo', '--port', '8000']\n"


def test_a_placeholder_that_cannot_run_is_passed_over(checkout: Path) -> None:
    placeholder = checkout / "tools" / "python3"
    placeholder.write_text("#!/bin/sh\nexit 127\n")
    placeholder.chmod(0o755)
    (checkout / "tools" / "python3.12").symlink_to(sys.executable)
    assert launch(checkout, "test").stdout == "called with ['test']\n"


def test_without_any_python_it_says_what_to_install(checkout: Path) -> None:
    ended = launch(checkout, "demo")
    assert ended.returncode == 1
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in ended.stderr
