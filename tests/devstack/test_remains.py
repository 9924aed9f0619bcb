"""What a killed supervisor left is stopped by the next one, and nothing else is."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lora_pipeline.devstack import remains


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_noted_process_is_stopped(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    remains.record(tmp_path, "worker", sleeper.pid)
    assert remains.stop(tmp_path) == ["worker"]
    assert sleeper.wait() == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_now_belongs_to_someone_else_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    remains.record(tmp_path, "worker", sleeper.pid)
    note = tmp_path / "worker.pid"
    note.write_text(json.dumps({**json.loads(note.read_text()), "started": "long ago"}))
    assert remains.stop(tmp_path) == []
    assert sleeper.poll() is None


def test_a_note_from_before_the_last_boot_is_ignored(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    remains.record(tmp_path, "worker", sleeper.pid)
    note = tmp_path / "worker.pid"
    note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "another"}))
    assert remains.stop(tmp_path) == []
    assert sleeper.poll() is None


def test_a_group_without_its_leader_is_stopped(tmp_path: Path) -> None:
    line = tmp_path / "line"
    os.mkfifo(line)
    run = tmp_path / "run"
    run.mkdir()
    leader = subprocess.Popen(["/bin/sh", "-c", f"(exec 3>{line}; exec sleep 600) & wait"], start_new_session=True)
    with line.open("rb") as other_end:
        remains.record(run, "web", leader.pid)
        leader.kill()
        leader.wait()
        assert remains.stop(run) == ["web"]
        assert other_end.read() == b""


@pytest.mark.parametrize("contents", ["", "not json", "{}", '{"pid": "x"}', '{"pid": null}'])
def test_a_damaged_note_is_swept_away(tmp_path: Path, contents: str) -> None:
    (tmp_path / "worker.pid").write_text(contents)
    assert remains.stop(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_noted_processs_own_children_end_with_it(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    notes = tmp_path / "runs" / "run-1"
    notes.mkdir(parents=True)
    (notes / "process").write_text(Path(f"/proc/{sleeper.pid}/stat").read_text())
    run = tmp_path / "run"
    run.mkdir()
    gone = subprocess.Popen(["/bin/true"], start_new_session=True)
    remains.record(run, "gpu-node", gone.pid, str(tmp_path / "runs"))
    gone.wait()
    assert remains.stop(run) == ["a child of gpu-node"]
    assert sleeper.wait() == -signal.SIGTERM


def test_a_child_is_known_by_its_start_and_not_by_its_number(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    (tmp_path / "run-1").mkdir()
    stat = Path(f"/proc/{sleeper.pid}/stat").read_text()
    (tmp_path / "run-1" / "process").write_text(stat.replace(str(remains.started_at(sleeper.pid)), "1"))
    remains.stop_children(str(tmp_path))
    assert sleeper.poll() is None
