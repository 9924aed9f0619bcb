"""Everything is kept in one folder, for its owner only, by one stack at a time."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lora_pipeline.devstack import manage, stack
from lora_pipeline.devstack.places import ROOT, AlreadyRunning, Places, read_json, write_private


@pytest.fixture
def places(tmp_path: Path) -> Places:
    kept = Places(tmp_path / ".local")
    kept.prepare()
    return kept


def test_a_second_stack_on_the_same_folder_is_refused_with_advice(places: Places) -> None:
    with (
        places.only_stack(),
        pytest.raises(AlreadyRunning, match=rf"already runs in this checkout \(process {os.getpid()}\)"),
        places.only_stack(),
    ):
        pass


def test_the_folder_is_free_again_when_a_stack_is_killed(places: Places) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path; from lora_pipeline.devstack.places import Places\n"
        "with Places(Path(sys.argv[1])).only_stack(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, str(places.local)], cwd=ROOT, check=False)
    with places.only_stack():
        pass


def test_secrets_are_made_once_and_stay(places: Places) -> None:
    assert places.secrets() == places.secrets()
    assert len(set(places.secrets().values())) == 4


def test_private_files_are_for_their_owner_only(places: Places) -> None:
    places.facts.touch(mode=0o644)
    write_private(places.facts, "{}")
    assert places.facts.stat().st_mode & 0o777 == 0o600
    assert places.data.stat().st_mode & 0o777 == 0o700


def test_the_former_log_is_put_aside(places: Places) -> None:
    (places.logs / "web.log").write_text("yesterday")
    places.prepare()
    assert (places.logs / "web.log.1").read_text() == "yesterday"
    assert not (places.logs / "web.log").exists()


def test_forgetting_leaves_the_environments(places: Places) -> None:
    (places.local / "venv").mkdir()
    write_private(places.facts, "{}")
    places.forget()
    assert [path.name for path in places.local.iterdir()] == ["venv"]


@pytest.mark.parametrize("contents", ["", "{", "[1]", "null"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, contents: str) -> None:
    (tmp_path / "ports.json").write_text(contents)
    assert read_json(tmp_path / "ports.json") == {}


def test_bin_manage_reads_what_a_shell_would(tmp_path: Path) -> None:
    settings = {"SECRET_KEY": 'it\'s $HOME "quoted"', "EMPTY": "", "DATABASE_URL": "sqlite:////a%20b/db.sqlite3"}
    file = tmp_path / "demo.env"
    file.write_text(stack.as_shell(settings))
    assert manage.read_environment(file) == settings
    in_shell = subprocess.run(
        ["/bin/sh", "-c", f'. {shlex.quote(str(file))}; printf %s "$SECRET_KEY"'], capture_output=True, text=True
    )
    assert in_shell.stdout == settings["SECRET_KEY"]


def test_bin_manage_without_a_stack_says_what_to_do(tmp_path: Path) -> None:
    assert manage.read_environment(tmp_path / "demo.env") == {}
