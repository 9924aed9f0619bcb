"""Throw-away copies of the tree, and what pytest says of tests in them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from lora_pipeline.devstack.places import ROOT
from tests.planted.fault import Fault

# The environments are used as they are; what else lies in .local is none of the copy's.
ENVIRONMENTS = ("venv", "gpu_node", "trainer")
_LEFT_OUT = shutil.ignore_patterns(".git", ".local", "__pycache__", ".*_cache", ".hypothesis", "env")
_ASSERTIONS = ("AssertionError", "assert ", "Failed: DID NOT RAISE")
SECONDS_AT_MOST = 900
# The rest takes longer to load than most proofs take to fail.
PLUGINS = ("pytest_django.plugin", "pytest_timeout")
FAILED = 1  # pytest's exit code where tests ran and some failed


@dataclass(frozen=True)
class Verdict:
    """How the named tests ended: `failed` by assertions of their own; `otherwise` is what else went wrong."""

    failed: tuple[str, ...]
    otherwise: str
    seconds: float

    @property
    def problem(self) -> str:
        """What went wrong, of tests that should have passed; empty where nothing did."""
        return "\n".join((*self.failed, self.otherwise)).strip()

    def caught(self, proofs: Sequence[str]) -> str:
        """Empty where each of `proofs` failed as it should, else why the fault is not caught."""
        missing = [proof for proof in proofs if not any(_is_of(name, proof) for name in self.failed)]
        if self.otherwise:
            return f"The tests broke instead of failing:\n{self.otherwise}"
        return f"These passed all the same: {', '.join(missing)}" if missing else ""


class Copy:
    """One copy of the tree, for one run at a time."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._report = folder / "report.xml"
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT, symlinks=True)
        (self.root / ".local").mkdir()
        for name in ENVIRONMENTS:
            (self.root / ".local" / name).symlink_to((ROOT / ".local" / name).resolve())

    def run(self, tests: Sequence[str], environment: Mapping[str, str]) -> Verdict:
        """Run these tests here, as the tree is now."""
        started = time.monotonic()
        self._report.unlink(missing_ok=True)
        options = ("-q", "--tb=short", "-p", "no:cacheprovider", f"--junit-xml={self._report}")
        plugins = (f"-p{plugin}" for plugin in PLUGINS)
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *options, *tests],
            cwd=self.root,
            env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_AT_MOST,
            check=False,
        )
        failed, broken = _read(self._report)
        fine = ended.returncode in (0, FAILED) and not broken
        return Verdict(failed, "" if fine else broken or ended.stdout[-2000:], time.monotonic() - started)

    def run_with(self, fault: Fault, environment: Mapping[str, str]) -> Verdict:
        """Run the fault's proofs with it in place; afterwards the tree is as before."""
        path = self.root / fault.file
        text, was = path.read_text(), path.stat()
        path.write_text(fault.planted(text))
        try:
            # What was compiled of the healthy file must stay: its time and size tell it from this one.
            return self.run(fault.proofs, {**environment, "PYTHONDONTWRITEBYTECODE": "1"})
        finally:
            path.write_text(text)
            os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def _read(report: Path) -> tuple[tuple[str, ...], str]:
    """The tests that failed by an assertion, and what broke for another reason."""
    failed, broken = [], []
    for case in ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ():  # noqa: S314
        name = f"{case.get('classname')}::{case.get('name')}"
        for kind in ("failure", "error"):
            for trouble in case.iter(kind):
                message = trouble.get("message", "")
                if kind == "failure" and message.startswith(_ASSERTIONS):
                    failed.append(name)
                else:
                    broken.append(f"{name}: {message[:500]}")
    return tuple(failed), "\n".join(broken)


def _is_of(case: str, proof: str) -> bool:
    """Whether a case of a report (tests.a.test_b::test_c[d]) belongs to a test's id, with or without parameters."""
    path, _, name = proof.partition("::")
    module, _, test = case.partition("::")
    same_module = module == path.removesuffix(".py").replace("/", ".")
    return same_module and (test == name or test.startswith(f"{name}["))
