"""Makes the trainer's environment: `python install.py --env DIR [--dev]`. Needs Python and this folder alone.

Packages come from the hashed locks beside this file, torch in its one version but in the build that fits the machine
and pip's configuration. An environment is either complete or made again (downloads stay in pip's cache): while
packages are on their way a mark lies in it, and a stamp remembers what went in, so that the next call takes no
time. Two calls at once are one: the second waits for the first.

Standard output has one JSON object a line: {"progress": percent, "text"} on the way, at the end {"done": true,
"python": path}, or {"error": code, "text": what to do} and exit code 1.
"""

import argparse
import errno
import fcntl
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

HERE = Path(__file__).resolve().parent
_GIB = 1024**3
# pip's word for a package that it takes in hand; the counts of them are the progress.
_COLLECTING = re.compile(r"^\s*Collecting (\S+?)(?:[=<>!~\[;].*|\s.*)?$")
_DOWNLOADING = re.compile(r"^\s*Downloading (?P<name>[A-Za-z0-9_.]+?)-.*\((?P<size>[\d.]+ [kMG]B)\)")
_LAST_LINES = 12
# Where torch's authors keep the build without CUDA: a tenth of the size. Unreachable, the usual build is taken.
_WITHOUT_CUDA = ("--extra-index-url", "https://download.pytorch.org/whl/cpu", "--retries", "1")


class InstallFailed(Exception):
    """The environment could not be made; `code` is the job's error code, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Part:
    """One call of pip: the file it installs from, and the stretch of the progress bar that it moves over."""

    name: str
    file: Path
    options: tuple[str, ...]
    begins: float
    ends: float

    @property
    def packages(self) -> int:
        """How many packages the file names, roughly: markers may leave some out."""
        return max(1, sum(line[:1].isalpha() for line in self.file.read_text().splitlines()))

    @property
    def digest(self) -> str:
        """What makes it another one."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def parts(*, cuda: bool, dev: bool) -> list[Part]:
    """What goes in, in this order: the locks without dependencies, since all are in there, and torch with its own."""
    hashed = ("--require-hashes", "--no-deps")
    found = [
        Part("libraries", HERE / "requirements.txt", hashed, 5, 45),
        Part("torch", HERE / "requirements-torch.txt", () if cuda else _WITHOUT_CUDA, 45, 90),
    ]
    if cuda:
        found.append(Part("CUDA libraries", HERE / "requirements-cuda.txt", hashed, 90, 95))
    if dev:
        found.append(Part("development tools", HERE / "requirements-dev.txt", hashed, 95, 98))
    return found


def has_cuda() -> bool:
    """True where the kernel drives NVIDIA GPUs."""
    return Path("/proc/driver/nvidia/version").exists()


def install(folder: Path, *, dev: bool) -> Path:
    """The Python of a complete environment at `folder`, made now if need be; raises InstallFailed."""
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(f"{folder.name}.lock")):
        stamp = _read_stamp(folder)
        missing = [part for part in parts(cuda=has_cuda(), dev=dev) if stamp.get(part.file.name) != part.digest]
        if missing:
            if not stamp:
                _require_space(folder.parent, cuda=has_cuda())
                _make(folder)
            (folder / "unfinished").touch()
            for part in missing:
                _run_pip(python, part)
            _write_stamp(folder, stamp | {part.file.name: part.digest for part in missing})
            (folder / "unfinished").unlink()
    return python


def _read_stamp(folder: Path) -> dict[str, str]:
    """What went into the environment: file → digest; empty when it has to be made from nothing."""
    if (folder / "unfinished").exists() or not (folder / "bin" / "python").exists():
        return {}
    try:
        stamp: dict[str, str] = json.loads((folder / "stamp.json").read_text())
    except (OSError, ValueError):
        return {}
    # Its scripts hold its path, its packages are for one Python.
    return stamp if stamp.items() >= _identity(folder).items() else {}


def _write_stamp(folder: Path, stamp: dict[str, str]) -> None:
    unfinished = folder / "stamp.json.new"
    unfinished.write_text(json.dumps(stamp | _identity(folder), indent=1))
    unfinished.replace(folder / "stamp.json")


def _identity(folder: Path) -> dict[str, str]:
    return {"folder": str(folder), "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def _make(folder: Path) -> None:
    """An empty environment, with pip in it."""
    tell(0, "Making an empty environment")
    shutil.rmtree(folder, ignore_errors=True)
    ended = _call([sys.executable, "-m", "venv", str(folder)])
    if ended:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise InstallFailed(
            "environment_failed",
            f"{sys.executable} cannot make an environment with pip in it. On Debian and Ubuntu run "
            f"`apt install python{version}-venv`, then try again. It said: {' '.join(ended)}",
        )


def _run_pip(python: Path, part: Part) -> None:
    """Install one part; every package that pip takes in hand moves the progress on."""
    taken = 0

    def follow(line: str) -> None:
        nonlocal taken
        if collecting := _COLLECTING.match(line):
            taken += 1
            share = min(taken / (part.packages + 1), 1.0)
            tell(part.begins + share * 0.8 * (part.ends - part.begins), f"Fetching {collecting[1]}")
        elif downloading := _DOWNLOADING.match(line):
            tell(None, f"Downloading {downloading['name']} ({downloading['size']})")
        elif line.startswith("Installing collected packages"):
            tell(part.begins + 0.8 * (part.ends - part.begins), f"Unpacking {part.name}")

    tell(part.begins, f"Installing {part.name}")
    quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    said = _call([str(python), "-m", "pip", "install", *quiet, *part.options, "-r", str(part.file)], follow)
    if said:
        text = "\n".join(said)
        if "No space left on device" in text:
            raise InstallFailed("disk_full", f"The disk is full: free some space below {python.parents[2]}.")
        raise InstallFailed(
            "environment_failed",
            f"pip could not install the trainer's {part.name}. Check that this machine reaches its package index "
            f"(pip's configuration names it), then try again. pip said:\n{text}",
        )


def _call(command: Sequence[str], follow: Callable[[str], None] | None = None) -> list[str]:
    """Run `command`, giving each line it prints to `follow`; returns its last lines when it fails, else nothing."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    last: list[str] = []
    try:
        for line in child.stdout or ():
            last = [*last[1 - _LAST_LINES :], line.rstrip()]
            if follow is not None:
                follow(line)
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    return (last or [f"nothing, exit code {code}"]) if code else []


def _require_space(folder: Path, *, cuda: bool) -> None:
    """Raises InstallFailed where the packages would fill the disk."""
    needed, free = (8 if cuda else 2) * _GIB, shutil.disk_usage(folder).free
    if free < needed:
        raise InstallFailed(
            "disk_full",
            f"The trainer's environment takes {needed / _GIB:.0f} GiB and {folder} has {free / _GIB:.1f} GiB free: "
            "make room or choose another folder.",
        )


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(0, "Waiting for another installation of the same environment")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


_shown = 0.0


def tell(progress: float | None, text: str) -> None:
    """One line of progress; None: as far as before."""
    global _shown
    _shown = max(_shown, progress or 0.0)
    _print({"progress": round(_shown, 1), "text": text})


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)  # on the way out the running pip is killed


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Makes the trainer's environment.")
    parser.add_argument("--env", type=Path, required=True, help="the environment's folder")
    parser.add_argument("--dev", action="store_true", help="with what the trainer's own tests and checks need")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        python = install(asked.env.resolve(), dev=asked.dev)
    except InstallFailed as failure:
        _print({"error": failure.code, "text": str(failure)})
        return 1
    except OSError as error:
        full = error.errno == errno.ENOSPC
        _print({"error": "disk_full" if full else "environment_failed", "text": f"{asked.env}: {error}"})
        return 1
    tell(100, "The trainer's environment is ready")
    _print({"done": True, "python": str(python)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
