"""A server made of a bare socket, for answers that no honest HTTP server gives.

A script says what happens to each request. Nothing sleeps: what hangs or drips goes on until the caller has
hung up.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def json(self) -> Any:
        return json.loads(self.body)


Script = Callable[[socket.socket, Request], None]


class Wire:
    """Listens on a free port of 127.0.0.1 until closed; keeps what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                self.requests.append(request)
                self.script(connection, request)


def _read(stream: Any) -> Request | None:
    words = stream.readline().decode("latin-1").split()
    if len(words) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Request(words[0], words[1], headers, stream.read(int(headers.get("content-length", 0))))


# -- Scripts ----------------------------------------------------------------------------------------------


def reply(status: int = 200, body: object = None, **headers: str) -> Script:
    """A well-formed answer: bytes and texts as they are, all else as JSON (NaN included)."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + content)


def raw(content: bytes, *, then_close: bool = False) -> Script:
    """These bytes, whatever they are."""

    def script(connection: socket.socket, request: Request) -> None:
        connection.sendall(content)
        if then_close:
            connection.shutdown(socket.SHUT_RDWR)

    return script


def drip(start: bytes) -> Script:
    """A beginning, then a byte from time to time without end."""

    def script(connection: socket.socket, request: Request) -> None:
        connection.sendall(start)
        connection.settimeout(0.02)
        while True:
            connection.sendall(b"x")
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return

    return script


def trickle(piece: bytes, count: int) -> Script:
    """A body of `count` pieces, a fiftieth of a second apart."""

    def script(connection: socket.socket, request: Request) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(piece) * count}\r\n\r\n".encode())
        connection.settimeout(0.02)
        for _ in range(count):
            connection.sendall(piece)
            with suppress(TimeoutError):
                connection.recv(1)
        connection.settimeout(None)

    return script


def hang(connection: socket.socket, request: Request) -> None:
    """No answer; goes on when the caller has hung up."""
    connection.recv(1)


def hang_up(connection: socket.socket, request: Request) -> None:
    """The connection ends in good form, without an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket, request: Request) -> None:
    """The connection is torn down."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # A handle of our own keeps the reader from closing later: the reset goes out now.
    socket.socket(fileno=connection.detach()).close()


def by_path(scripts: Mapping[str, Script]) -> Script:
    """The script whose path the request begins with, the longest first; 404 without any."""

    def script(connection: socket.socket, request: Request) -> None:
        fitting = [path for path in scripts if request.path.startswith(path)]
        chosen = scripts[max(fitting, key=len)] if fitting else reply(404, {"detail": "Not Found"})
        chosen(connection, request)

    return script
