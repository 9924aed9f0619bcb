"""The trainer's install.py: complete or made again, alone, and clear about what went wrong."""

import fcntl
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "trainer" / "install.py"

Install = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """install.py as a module; it is a script that stands alone."""
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["install"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environment `env` lies; it is kept from test to test, since making one takes seconds."""
    return tmp_path_factory.mktemp("install")


@pytest.fixture
def trainer(place: Path) -> Path:
    """A folder like the trainer's, whose locks name nothing."""
    folder = place / "trainer"
    folder.mkdir(exist_ok=True)
    (folder / "install.py").write_bytes(SCRIPT.read_bytes())
    for name in ("requirements.txt", "requirements-torch.txt", "requirements-dev.txt", "requirements-cuda.txt"):
        (folder / name).write_text("# nothing\n")
    return folder


@pytest.fixture
def install(trainer: Path, place: Path) -> Install:
    """`install("--dev")` runs the script: its exit code and the lines it said. The environment is complete before."""

    def run(*options: str) -> tuple[int, list[dict[str, Any]]]:
        command = [sys.executable, str(trainer / "install.py"), "--env", str(place / "env"), *options]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.stderr == ""
        return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]

    assert run()[0] == 0
    return run


def test_it_says_where_the_python_is(install: Install, place: Path) -> None:
    code, said = install()
    assert (code, said[-1]) == (0, {"done": True, "python": str(place / "env" / "bin" / "python")})
    assert subprocess.run([said[-1]["python"], "-c", ""], check=False).returncode == 0


def test_a_second_call_finds_everything_there(install: Install) -> None:
    _, said = install()
    assert [line.get("text") for line in said] == ["The trainer's environment is ready", None]


def test_what_is_added_later_is_added_to_the_same_environment(install: Install, place: Path) -> None:
    (place / "env" / "kept").touch()
    _, said = install("--dev")
    assert {"progress": 95, "text": "Installing development tools"} in said
    assert (place / "env" / "kept").exists()


def test_an_unfinished_environment_is_made_from_nothing(install: Install, place: Path) -> None:
    (place / "env" / "left-over").touch()
    (place / "env" / "unfinished").touch()
    code, said = install()
    assert code == 0
    assert not (place / "env" / "left-over").exists()
    progress = [line["progress"] for line in said[:-1]]
    assert (progress, progress[-1]) == (sorted(progress), 100)


def test_a_package_that_cannot_be_had_fails_with_pips_own_words(install: Install, trainer: Path) -> None:
    (trainer / "requirements-torch.txt").write_text("./no-such-folder-anywhere\n")
    code, said = install()
    assert (code, said[-1]["error"]) == (1, "environment_failed")
    assert "no-such-folder-anywhere" in said[-1]["text"]


def test_a_wrong_hash_is_refused(install: Install, trainer: Path, tmp_path: Path) -> None:
    (tmp_path / "evil-1-py3-none-any.whl").write_bytes(b"not what was pinned")
    wheel = (tmp_path / "evil-1-py3-none-any.whl").as_uri()
    (trainer / "requirements.txt").write_text(f"evil @ {wheel} --hash=sha256:{'0' * 64}\n")
    code, said = install()
    assert (code, said[-1]["error"]) == (1, "environment_failed")
    assert "DO NOT MATCH THE HASHES" in said[-1]["text"]


def test_two_at_once_are_one(trainer: Path, place: Path) -> None:
    with (place / "env.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, str(trainer / "install.py"), "--env", str(place / "env")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
            lines: Iterator[str] = iter(waiting.stdout or ())
            assert "Waiting for another installation" in next(lines)
            fcntl.flock(held, fcntl.LOCK_UN)
            assert json.loads(list(lines)[-1])["done"] is True


def test_torch_is_in_no_lock_and_in_one_version(module: ModuleType) -> None:
    libraries, torch, cuda, dev = module.parts(cuda=True, dev=True)
    for part in (libraries, cuda, dev):
        names = {line.partition("==")[0] for line in part.file.read_text().splitlines()}
        assert not {name for name in names if name.startswith(("torch", "triton", "nvidia-c"))}
        assert "--require-hashes" in part.options
    assert "\ntorch==2.13.0\n" in torch.file.read_text()
