"""The program that installs packages: uv, pinned and hashed like the rest; pip where uv has no wheel.

uv lives in an environment of its own (`.local/tools`), so the product's environments hold no installer.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bootstrap import mirrors


class SetupFailed(Exception):
    """An environment could not be made; the message says what to do."""


class Installer(Protocol):
    """Makes environments and fills them from locks."""

    def create(self, folder: Path) -> None:
        """Make an empty environment of the running Python at `folder`."""

    def install(self, python: Path, locks: Sequence[Path]) -> None:
        """Bring every pinned package of `locks` into the environment of `python`; refuse a wrong hash."""


@dataclass(frozen=True)
class Uv:
    """uv by its program, with the settings that pip would have."""

    program: Path
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()

    def create(self, folder: Path) -> None:
        self.run("venv", "--python", sys.executable, str(folder))

    def install(self, python: Path, locks: Sequence[Path]) -> None:
        files = [part for lock in locks for part in ("-r", str(lock))]
        self.run("pip", "install", "--require-hashes", *self.arguments, "--python", str(python), *files)

    def run(self, *arguments: str) -> None:
        """Run one uv command; its progress is shown only to someone who watches."""
        quiet = () if sys.stderr.isatty() else ("--quiet",)
        _run([str(self.program), *arguments, *quiet], {**os.environ, **self.environment})


@dataclass(frozen=True)
class Pip:
    """The pip that comes with Python: slower, everywhere."""

    def create(self, folder: Path) -> None:
        _venv(folder)

    def install(self, python: Path, locks: Sequence[Path]) -> None:
        files = [part for lock in locks for part in ("-r", str(lock))]
        _pip(python, "install", "--quiet", "--require-hashes", *files)


def find(tools: Path, lock: Path) -> Installer:
    """The pinned uv below `tools`, installed from `lock` when missing; pip where that cannot be."""
    program = tools / "bin" / "uv"
    if not _is_pinned(program, lock):
        try:
            _venv(tools)
        except SetupFailed:
            # Python came without pip. A uv on PATH can stand in, since every package is checked by hash.
            found = shutil.which("uv")
            if found is None:
                raise
            return uv(Path(found), pip_config="")
        try:
            _pip(tools / "bin" / "python", "install", "--quiet", "--only-binary", ":all:", "--require-hashes",
                 "-r", str(lock))  # fmt: skip
        except SetupFailed:
            return Pip()
        (tools / "pinned").write_bytes(lock.read_bytes())
    return uv(program, pip_config=_pip(tools / "bin" / "python", "config", "list"))


def uv(program: Path, *, pip_config: str) -> Uv:
    """uv at `program`, which loads packages from where pip would."""
    found = mirrors.for_uv(pip_config, os.environ)
    # Compiled now, on all cores, or by each of five processes at the first start.
    compiled = {"UV_COMPILE_BYTECODE": os.environ.get("UV_COMPILE_BYTECODE", "1")}
    fixed = {"UV_PYTHON_DOWNLOADS": "never"}
    return Uv(program=program, environment={**found.environment, **compiled, **fixed}, arguments=found.arguments)


def _is_pinned(program: Path, lock: Path) -> bool:
    pinned = program.parent.parent / "pinned"
    return program.exists() and pinned.exists() and pinned.read_bytes() == lock.read_bytes()


def _venv(folder: Path) -> None:
    """An environment with pip in it, by the standard library."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(folder)], dict(os.environ))
    except SetupFailed as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupFailed(
            f"{sys.executable} cannot make an environment with pip in it.\n"
            f"On Debian and Ubuntu run `apt install python{version}-venv`, elsewhere install Python from "
            f"python.org; or install uv (https://docs.astral.sh/uv/). Then run this command again.\n{error}"
        ) from error


def _pip(python: Path, *arguments: str) -> str:
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return _run([str(python), "-m", "pip", *arguments], {**os.environ, **quiet}, keep_output=True)


def _run(command: Sequence[str], environment: Mapping[str, str], *, keep_output: bool = False) -> str:
    """Run `command`; a failure carries what it printed, so that the user sees the cause."""
    ended = subprocess.run(
        command, env=dict(environment), text=True, check=False,
        stdout=subprocess.PIPE if keep_output else None, stderr=subprocess.PIPE if keep_output else None,
    )  # fmt: skip
    if ended.returncode:
        said = (ended.stderr or ended.stdout or "").strip()
        raise SetupFailed(f"`{' '.join(command[:4])} …` failed with exit code {ended.returncode}.\n{said}".rstrip())
    return ended.stdout or ""
