"""Free TCP ports on the loopback address."""

import socket
from collections.abc import Collection

HOST = "127.0.0.1"
_HIGHEST = 65_535


def free(*, twin_offset: int = 0, taken: Collection[int] = ()) -> int:
    """A port nobody listens on, other than `taken`; with `twin_offset` the port that far above is free as well."""
    for _ in range(1_000):
        with socket.socket() as chosen:
            chosen.bind((HOST, 0))
            port: int = chosen.getsockname()[1]
        twin = port + twin_offset
        if port not in taken and twin <= _HIGHEST and (not twin_offset or is_free(twin)):
            return port
    raise OSError("No free port was found on 127.0.0.1: stop a program that holds many connections.")


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
