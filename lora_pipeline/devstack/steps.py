"""The steps of bin/test: each runs to its end, is timed, and counts what passed and what failed.

A step's failure never hides the next ones. A check counts as one; a pytest run counts its tests.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from lora_pipeline.devstack.console import Console


@dataclass(frozen=True)
class Outcome:
    """What one step came to."""

    name: str
    passed: int
    failed: int
    seconds: float
    skipped: int = 0

    def line(self) -> str:
        """One line of the summary."""
        counts = f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")
        return f"  {'ok  ' if not self.failed else 'FAIL'} {self.seconds:6.1f} s  {self.name:<32} {counts}"


@dataclass(frozen=True)
class Step:
    """A name, and what to run, which returns (passed, failed, skipped)."""

    name: str
    run: Callable[[Console], tuple[int, int, int]]

    def outcome(self, console: Console) -> Outcome:
        """Run it, timed, under a heading."""
        console.say(f"\n--- {self.name}")
        started = time.monotonic()
        passed, failed, skipped = self.run(console)
        return Outcome(self.name, passed, failed, time.monotonic() - started, skipped)


def check(
    name: str, command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str] | None = None
) -> Step:
    """A command that counts as one: passed when it ends with 0. What it prints is shown when it does not."""

    def run(console: Console) -> tuple[int, int, int]:
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            if console.call(command, folder=folder, environment=environment, output=said) == 0:
                return 1, 0, 0
            said.seek(0)
            console.say(said.read())
        return 0, 1, 0

    return Step(name, run)


def pytest(
    name: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    python: Path | str = sys.executable,
) -> Step:
    """A pytest run; a run that breaks off without a failed test counts as one failure."""

    def run(console: Console) -> tuple[int, int, int]:
        with tempfile.TemporaryDirectory() as temporary:
            report = Path(temporary) / "report.xml"
            command = (python, "-m", "pytest", "-q", f"--junitxml={report}", *arguments)
            code = console.call(command, folder=folder, environment=environment)
            passed, failed, skipped = read_report(report)
        return passed, max(failed, 1) if code else failed, skipped

    return Step(name, run)


def read_report(report: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) of a JUnit report; nothing at all when it was not written."""
    if not report.exists():
        return 0, 0, 0
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest's own
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        for name in counts:
            counts[name] += int(suite.get(name, 0))
    failed = counts["failures"] + counts["errors"]
    return max(counts["tests"] - failed - counts["skipped"], 0), failed, counts["skipped"]


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point tests at somebody's real services."""
    settings = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "PUBLIC_BASE_URL", "DJANGO_SETTINGS_MODULE")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in settings and not name.startswith(("S3_", "GPU_CLUSTER_", "GPU_NODE_"))
    }
