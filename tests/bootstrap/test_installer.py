"""Setting up works with what a machine has, or says what it lacks."""

import sys
from pathlib import Path

import pytest

from bootstrap import installer


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "uv.txt"
    path.write_text("uv==0.1 --hash=sha256:0\n")
    return path


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Debian without python3-venv; and nothing but the shell on PATH."""
    monkeypatch.setattr(sys, "executable", str(script(tmp_path / "python3", "exit 1")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.usefixtures("python_without_pip")
def test_a_python_without_pip_leads_to_advice(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(installer.SetupFailed, match=r"apt install python3\.\d+-venv(.|\n)*or install uv"):
        installer.find(tmp_path / "tools", lock)


@pytest.mark.usefixtures("python_without_pip")
def test_a_uv_on_path_stands_in_for_a_missing_pip(tmp_path: Path, lock: Path) -> None:
    uv = script(tmp_path / "bin" / "uv", "exit 0")
    found = installer.find(tmp_path / "tools", lock)
    assert isinstance(found, installer.Uv)
    assert found.program == uv


def test_uv_is_installed_again_only_when_its_pin_changes(tmp_path: Path, lock: Path) -> None:
    tools = tmp_path / "tools"
    script(tools / "bin" / "uv", "exit 0")
    script(tools / "bin" / "python", "echo \"global.index-url='https://mirror.example'\"")
    (tools / "pinned").write_bytes(lock.read_bytes())
    found = installer.find(tools, lock)
    assert isinstance(found, installer.Uv)
    assert found.environment["UV_DEFAULT_INDEX"] == "https://mirror.example"
    assert found.environment["UV_PYTHON_DOWNLOADS"] == "never"


def test_a_step_that_fails_says_which(tmp_path: Path) -> None:
    uv = installer.uv(script(tmp_path / "uv", "exit 2"), pip_config="")
    with pytest.raises(installer.SetupFailed, match="failed with exit code 2"):
        uv.create(tmp_path / "venv")
