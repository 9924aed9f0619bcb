"""Free TCP ports on the loopback address.

Between the choice of a port and the start of its server, seconds may pass. Another stack or test run beside this one
must not choose it meanwhile: a file that this user's processes share remembers what was chosen lately.
"""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
_HIGHEST = 65_535
_REMEMBERED_SECONDS = 120


def free(*, twin_offset: int = 0, taken: Collection[int] = ()) -> int:
    """A port nobody listens on, other than `taken`; with `twin_offset` the port that far above is free as well."""
    with _chosen_lately() as lately:
        for _ in range(1_000):
            with socket.socket() as chosen:
                chosen.bind((HOST, 0))
                port: int = chosen.getsockname()[1]
            twin = port + twin_offset
            if {port, twin} & {*taken, *lately} or twin > _HIGHEST or (twin_offset and not is_free(twin)):
                continue
            lately |= {port, twin}
            return port
    raise OSError("No free port was found on 127.0.0.1: stop a program that holds many connections.")


@contextmanager
def _chosen_lately() -> Iterator[set[int]]:
    """What any process of this user's chose within the last minutes; what is added is remembered."""
    path = Path(tempfile.gettempdir(), f"lora-pipeline-ports-{os.getuid()}.json")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:  # then they are chosen without
        yield set()
        return
    now = time.time()
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known: dict[str, float] = {}
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            known = {port: at for port, at in json.load(file).items() if abs(now - at) < _REMEMBERED_SECONDS}
        chosen = {int(port) for port in known}
        yield chosen
        file.seek(0)
        file.truncate()
        json.dump({port: known.get(str(port), now) for port in chosen}, file)


def is_free(port: int) -> bool:
    """True when a server could listen on `port` now."""
    with socket.socket() as probe:
        # Connections that a former server left in TIME_WAIT do not keep a new one from starting.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """True when something accepts connections on `port`."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
