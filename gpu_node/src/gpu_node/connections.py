"""The server's open TCP connections, for what HTTP alone cannot do: hang up hard."""

import asyncio
import socket
import struct

from uvicorn.server import ServerState

LINGER_NOT = struct.pack("ii", 1, 0)


class Connections:
    """Finds the connection of a request by its peer address. `watch` the server's state once it exists."""

    def __init__(self) -> None:
        self._state: ServerState | None = None
        self.closing = asyncio.Event()
        """Set when the server stops: who waits on purpose waits no longer."""

    def watch(self, state: ServerState) -> None:
        self._state = state

    def reset(self, peer: tuple[str, int]) -> None:
        """Ends the peer's connection with a TCP reset instead of a goodbye."""
        for transport in self._transports():
            if transport.get_extra_info("peername")[:2] == tuple(peer):
                sock: socket.socket = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                transport.abort()

    def abort_all(self) -> None:
        """Drops every connection that is still open."""
        for transport in self._transports():
            transport.abort()

    def _transports(self) -> list[asyncio.WriteTransport]:
        connections = () if self._state is None else list(self._state.connections)
        return [connection.transport for connection in connections if connection.transport is not None]
