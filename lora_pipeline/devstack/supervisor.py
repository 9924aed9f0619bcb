"""Starts the stack's programs, keeps them running, stops them in order.

A child that dies is started again, after a pause that grows when it keeps dying. Stopping goes by rank: those with
the lowest `stop_rank` together, the next when they are gone. A second request to stop kills what is left.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lora_pipeline.devstack import programs, remains
from lora_pipeline.devstack.interrupts import Interrupts
from lora_pipeline.devstack.programs import Program

_STEADY_SECONDS = 60  # who ran this long has recovered
_LONGEST_PAUSE = 30.0


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float | None = None  # set while it is down


class Supervisor:
    """The stack's processes, from the main thread of one supervising process.

    `run` holds a note per process, `logs` a file per process, `say` tells the user in one line.
    """

    def __init__(self, *, run: Path, logs: Path, say: Callable[[str], None], interrupts: Interrupts) -> None:
        self._run = run
        self._logs = logs
        self._say = say
        self._interrupts = interrupts
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", remains.__file__, str(self._run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._guardian.communicate()  # closes its pipe: it finds nothing left and ends

    def log(self, name: str) -> Path:
        """Where the output of `name` goes."""
        return self._logs / f"{name}.log"

    def spawn(self, program: Program) -> None:
        """Start `program` without waiting for it."""
        self._interrupts.raise_if_requested()
        program.clean_up()
        self._children[program.name] = _Child(program, self._process(program), started=time.monotonic())

    def await_ready(self, wanted: Iterable[Program]) -> None:
        """Return when all of `wanted` answer; raises NotReady or StopRequested."""
        for program in wanted:
            child = self._children[program.name]
            programs.await_ready(program, child.process, self.log(program.name), pause=self._interrupts.pause)

    def start(self, wanted: Iterable[Program]) -> None:
        """Start all of `wanted` together and return when they answer; raises NotReady or StopRequested."""
        together = list(wanted)
        for program in together:
            self.spawn(program)
        self.await_ready(together)

    def complete(self, program: Program) -> None:
        """Run a program that ends by itself; raises NotReady when it fails, StopRequested when told to stop."""
        self.spawn(program)
        child = self._children[program.name]
        while child.process.poll() is None:
            self._interrupts.pause(0.1)
        del self._children[program.name]
        remains.forget(self._run, program.name)
        if child.process.returncode:
            ending = programs.ending(child.process)
            raise programs.NotReady(f"{program.name} ended with {ending}.{programs.last_lines(self.log(program.name))}")

    def watch(self) -> float | None:
        """Note who died, start again who is due; returns in how many seconds to look again (None: on a signal)."""
        now = time.monotonic()
        for child in self._children.values():
            if child.restart_at is None and child.process.poll() is not None:
                self._mourn(child, now)
            if child.restart_at is not None and child.restart_at <= now:
                child.process = self._process(child.program)
                child.started, child.restart_at = now, None
        due = [child.restart_at - now for child in self._children.values() if child.restart_at is not None]
        return max(min(due), 0) if due else None

    def stop(self) -> None:
        """Stop every process, rank by rank; a further request to stop ends all patience."""
        asked_before = self._interrupts.requests
        for rank in sorted({child.program.stop_rank for child in self._children.values()}):
            together = [child for child in self._children.values() if child.program.stop_rank == rank]
            for child in together:
                programs.signal_group(child.process.pid, child.program.stop_signal, leader_only=True)
            deadline = time.monotonic() + max(child.program.stop_seconds for child in together)
            while any(child.process.poll() is None for child in together):
                if time.monotonic() > deadline or self._interrupts.requests > asked_before:
                    break
                self._interrupts.wait(0.05)
            for child in together:
                self._bury(child)
                remains.stop_children(child.program.children)
                remains.forget(self._run, child.program.name)
        self._children.clear()

    def _process(self, program: Program) -> subprocess.Popen[bytes]:
        process = programs.spawn(program, self.log(program.name))
        remains.record(self._run, program.name, process.pid, program.children)
        return process

    def _mourn(self, child: _Child, now: float) -> None:
        """A child died by itself: clear up after it and say when it comes back."""
        self._bury(child)
        child.failures = 1 if now - child.started > _STEADY_SECONDS else child.failures + 1
        pause = min(2.0 ** (child.failures - 1) - 1, _LONGEST_PAUSE)
        child.restart_at = now + pause
        when = f"in {pause:.0f} s" if pause else "now"
        self._say(
            f"{child.program.name} ended with {programs.ending(child.process)}; starting it again {when} "
            f"(log: {self.log(child.program.name)})"
        )

    def _bury(self, child: _Child) -> None:
        """Leave nothing of a child and its group. What is noted stays until all that it notes has ended."""
        programs.signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
        child.program.clean_up()
