"""Where a step of bin/test writes, and how what it runs is stopped."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

INTERRUPTED = 130  # what shells call the end of a program that Ctrl-C ended
_SECONDS_TO_END = 10


class Console:
    """What steps that run one after the other write to: the terminal, or a file while others run beside them."""

    def __init__(self, output: IO[str] | None = None) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.is_closed = False

    def say(self, text: str) -> None:
        """Write a line, or several."""
        print(text, file=self._output, flush=True)

    def call(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        output: IO[str] | None = None,
    ) -> int:
        """Run a command that writes to `output`, by default here; returns its exit code, or INTERRUPTED.

        Its process group is its own, so that a Ctrl-C reaches it through `close` alone: a command that ended by
        itself just before would be taken for one that failed, and the next one begun.
        """
        with self._lock:
            if self.is_closed:
                return INTERRUPTED
            process = self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env=dict(environment) if environment is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output or self._output or sys.stdout,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            process.wait()
        except BaseException:
            self.close()
            raise
        return INTERRUPTED if self.is_closed else process.returncode

    def close(self) -> None:
        """Let nothing run any more: what runs is interrupted, and may clear up before it is killed."""
        with self._lock:
            self.is_closed = True
            process = self._process
        if process is not None:
            _signal(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send it to the process and to all that it started in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
