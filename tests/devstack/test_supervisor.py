"""The supervisor starts and stops in order, brings back who dies, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lora_pipeline.devstack import remains
from lora_pipeline.devstack.interrupts import Interrupts, StopRequested
from lora_pipeline.devstack.programs import NotReady, Program
from lora_pipeline.devstack.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent, and has /proc")


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as watching:
        yield watching


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, interrupts: Interrupts, said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(
        run=tmp_path / "run", logs=tmp_path / "logs", say=said.append, interrupts=interrupts
    ) as supervising:
        yield supervising


def shell(tmp_path: Path, name: str, script: str, *, rank: int = 0, stop_seconds: float = 60) -> Program:
    """A program by shell script, ready when the file NAME.ready is there, on a busy machine too."""
    ready = tmp_path / f"{name}.ready"
    return Program(
        name=name,
        command=("/bin/sh", "-c", script),
        environment={"PATH": os.environ["PATH"], "DIARY": str(tmp_path / "diary"), "READY": str(ready)},
        folder=tmp_path,
        is_ready=ready.exists,
        ready_seconds=60,
        stop_rank=rank,
        stop_seconds=stop_seconds,
    )


def diarist(tmp_path: Path, name: str, *, rank: int = 0) -> Program:
    """Writes down when it starts and when it is stopped."""
    script = (
        f"trap 'echo stop {name} >> $DIARY; exit 0' TERM; echo start {name} >> $DIARY; touch $READY; "
        "while :; do sleep 600 & wait $!; done"
    )
    return shell(tmp_path, name, script, rank=rank)


def is_alive(pid: int) -> bool:
    """False also for a process that only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def settled(supervisor: Supervisor, interrupts: Interrupts, program: Program, log: list[str], count: int) -> None:
    """Supervise until the user was told `count` things."""
    while len(log) < count:
        interrupts.wait(0.1)
        supervisor.watch()


def test_it_starts_as_told_and_stops_by_rank(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start([diarist(tmp_path, "broker", rank=2)])
    supervisor.start([diarist(tmp_path, "worker", rank=1)])
    supervisor.start([diarist(tmp_path, "web", rank=0)])
    supervisor.stop()
    diary = (tmp_path / "diary").read_text().splitlines()
    assert diary == ["start broker", "start worker", "start web", "stop web", "stop worker", "stop broker"]


def test_it_restarts_a_killed_program_and_says_so(
    tmp_path: Path, supervisor: Supervisor, interrupts: Interrupts, said: list[str]
) -> None:
    worker = shell(tmp_path, "worker", "echo $$ >> $DIARY; touch $READY; exec sleep 600")
    supervisor.start([worker])
    (tmp_path / "worker.ready").unlink()  # before the second one can have made it
    os.kill(int((tmp_path / "diary").read_text()), signal.SIGKILL)
    settled(supervisor, interrupts, worker, said, 1)
    supervisor.await_ready([worker])
    first, second = (tmp_path / "diary").read_text().split()
    assert first != second
    assert said[0].startswith("worker ended with signal SIGKILL; starting it again now")


def test_it_waits_longer_for_a_program_that_keeps_dying(
    tmp_path: Path, supervisor: Supervisor, interrupts: Interrupts, said: list[str]
) -> None:
    broken = shell(tmp_path, "broken", "touch $READY; exit 3")
    supervisor.spawn(broken)
    settled(supervisor, interrupts, broken, said, 3)
    assert [line.partition(" (log")[0] for line in said] == [
        "broken ended with exit code 3; starting it again now",
        "broken ended with exit code 3; starting it again in 1 s",
        "broken ended with exit code 3; starting it again in 3 s",
    ]


def test_a_program_that_fails_to_start_shows_the_end_of_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(NotReady, match=r"web ended with exit code 1(.|\n)*port in use"):
        supervisor.start([shell(tmp_path, "web", "echo port in use >&2; exit 1")])


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(NotReady, match=r"migrate ended with exit code 2(.|\n)*no such table"):
        supervisor.complete(shell(tmp_path, "migrate", "echo no such table; exit 2"))


def test_ctrl_c_is_heard_while_a_program_gets_ready(
    tmp_path: Path, supervisor: Supervisor, interrupts: Interrupts
) -> None:
    supervisor.spawn(shell(tmp_path, "slow", "kill -INT $PPID; exec sleep 600"))
    with pytest.raises(StopRequested):
        supervisor.await_ready([shell(tmp_path, "slow", "")])
    assert interrupts.requests == 1


def test_a_second_ctrl_c_kills_who_takes_too_long(
    tmp_path: Path, supervisor: Supervisor, interrupts: Interrupts
) -> None:
    stubborn = shell(
        tmp_path,
        "stubborn",
        "trap 'kill -INT $PPID' TERM; touch $READY; while :; do sleep 600 & wait $!; done",
        stop_seconds=3600,
    )
    supervisor.start([stubborn])
    supervisor.stop()  # answers the request to stop with a further Ctrl-C, and would take an hour
    assert interrupts.requests == 1
    assert not list((tmp_path / "run").glob("*.pid"))


def parent(tmp_path: Path) -> Program:
    """Starts a child in a session of its own, unless one is there, and notes it as a GPU node notes its trainers."""
    note = tmp_path / "runs" / "run-1" / "process"
    note.parent.mkdir(parents=True)
    script = (
        f"[ -e {note} ] || setsid sh -c 'cat /proc/$$/stat > {note}.new; mv {note}.new {note}; exec sleep 600' & "
        f"until [ -e {note} ]; do sleep 0.05; done; echo $$ >> $DIARY; touch $READY; exec sleep 600"
    )
    return replace(shell(tmp_path, "node", script), children=str(tmp_path / "runs"))


def child_of(tmp_path: Path) -> int:
    return int((tmp_path / "runs" / "run-1" / "process").read_text().split(" ", 1)[0])


@linux
def test_a_child_outlives_its_killed_parent_and_ends_with_the_stack(
    tmp_path: Path, supervisor: Supervisor, interrupts: Interrupts, said: list[str]
) -> None:
    node = parent(tmp_path)
    supervisor.start([node])
    child = child_of(tmp_path)
    os.kill(int((tmp_path / "diary").read_text()), signal.SIGKILL)
    settled(supervisor, interrupts, node, said, 1)
    assert child_of(tmp_path) == child
    assert remains.started_at(child) is not None
    supervisor.stop()
    assert not is_alive(child)


@linux
def test_a_killed_supervisor_leaves_nobody_behind(tmp_path: Path) -> None:
    line = tmp_path / "line"
    os.mkfifo(line)
    # The grandchild ignores SIGTERM and has nobody who would end it but the group's guardian.
    script = f"exec 3>{line}; (trap '' TERM; sleep 600) & touch $READY; wait"
    supervising = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from lora_pipeline.devstack.interrupts import Interrupts
        from lora_pipeline.devstack.supervisor import Supervisor
        from tests.devstack.test_supervisor import shell
        folder = Path({str(tmp_path)!r})
        with Interrupts() as interrupts, Supervisor(
            run=folder / "run", logs=folder / "logs", say=print, interrupts=interrupts
        ) as supervisor:
            supervisor.start([shell(folder, "family", {script!r})])
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    killed = subprocess.Popen([sys.executable, "-c", supervising], cwd=ROOT)
    with line.open("rb") as other_end:
        assert killed.wait() == -signal.SIGKILL
        assert other_end.read() == b""  # ends when the last process that holds the line is gone
