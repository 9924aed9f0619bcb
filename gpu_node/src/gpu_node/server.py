"""One serving process: state directory, socket, ready line, quick and clean end."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import socket
from pathlib import Path
from types import FrameType
from typing import TextIO

import uvicorn

from gpu_node.app import create_app
from gpu_node.connections import Connections
from gpu_node.settings import Settings

GRACE_S = 0.4
TICK_S = 1.0
KEEP_ALIVE_S = 75
"""Longer than a poll interval: closing just as a submit comes in leaves its outcome unknown."""
logger = logging.getLogger("gpu_node")


class StartError(Exception):
    """The node cannot start; the text says why and what to do."""


def serve(settings: Settings, out: TextIO) -> None:
    """Serves until SIGTERM or SIGINT; writes `ready` with the chosen URL to `out` and to node.json."""
    lock = _claim(settings.state_dir)
    listening = listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    connections = Connections()
    app = create_app(settings, connections=connections)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    try:
        _Server(config, settings.state_dir, url, out, connections).run(sockets=[listening])
    finally:
        listening.close()
        (settings.state_dir / "node.json").unlink(missing_ok=True)
        lock.close()


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(
        self, config: uvicorn.Config, state_dir: Path, url: str, out: TextIO, connections: Connections
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._loop: asyncio.AbstractEventLoop | None = None
        connections.watch(self.server_state)
        self._state_dir, self._url, self._out = state_dir, url, out

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            beside = self._state_dir / "node.json.new"
            beside.write_text(json.dumps({"url": self._url, "pid": os.getpid()}) + "\n")
            beside.replace(self._state_dir / "node.json")
            self._out.write(f"gpu_node ready at {self._url}\n")
            self._out.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends the serving; the signal is not raised again, so the process ends by itself with 0."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._connections.closing.set)

    async def main_loop(self) -> None:
        """Sleeps until told to end, awake once a second for the Date header (uvicorn: ten times)."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(counter=0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._connections.closing.wait(), TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets answers under way go out, but cuts off who has not finished after GRACE_S."""
        cut = asyncio.get_running_loop().call_later(GRACE_S, self._connections.abort_all)
        await super().shutdown(sockets)
        cut.cancel()


def _claim(state_dir: Path) -> TextIO:
    """Makes the state directory ours alone: two nodes on one would run every job twice."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (state_dir / "lock").open("w")
    except OSError as error:
        raise StartError(f"--state-dir {state_dir} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StartError(f"another gpu_node already uses --state-dir {state_dir}") from error
    return lock


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; raises StartError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # asyncio sends without Nagle's 40 ms only where the socket names its protocol.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(512)
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    return listening
