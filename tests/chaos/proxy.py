"""A TCP proxy that spoils connections on command: a network between two of our processes.

All proxies of a `Network` live in one event loop on a thread of its own; whoever commands them stays outside.

    with Network() as network:
        proxy = network.between("broker", port)      # listens on proxy.port
        proxy.spoil(Weather(down=Way(hole=True)))    # nothing comes back any more
        proxy.spoil(FAIR)

A hole holds bytes back, as a partition does: what both ends still want is passed on when it is over.
"""

import asyncio
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
_PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST instead of FIN


@dataclass(frozen=True)
class Way:
    """What happens to bytes in one direction."""

    delay_s: float = 0.0
    drip_s: float = 0.0
    """Seconds between two bytes; 0: as they come."""
    hole: bool = False


CLEAR = Way()


@dataclass(frozen=True)
class Weather:
    """`up` is from the client to the server. `drops` ends every connection politely, `resets` rudely: those that
    are open and, as long as it lasts, every new one."""

    up: Way = CLEAR
    down: Way = CLEAR
    drops: bool = False
    resets: bool = False


FAIR = Weather()


class Proxy:
    """One listening port, and the server behind it. Made by `Network.between`; its methods are for other threads."""

    def __init__(self, network: "Network", name: str, target: int) -> None:
        self.name = name
        self.port = 0
        self._network = network
        self._target = target
        self._weather = FAIR
        self._changed = asyncio.Event()
        self._ends: set[asyncio.StreamWriter] = set()
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def spoil(self, weather: Weather) -> None:
        """From now on this is the weather; `FAIR` ends it."""
        self._network.run(self._spoil(weather))

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._links)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0.02)  # who was let in has begun: cancelled before that, nobody would close what it holds
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _spoil(self, weather: Weather) -> None:
        self._weather = weather
        self._changed.set()
        self._changed = asyncio.Event()
        if weather.drops or weather.resets:
            for end in list(self._ends):
                self._cut(end)

    def _cut(self, end: asyncio.StreamWriter) -> None:
        if self._weather.resets:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
            end.transport.abort()
        else:
            end.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        self._ends.add(writer)
        try:
            if self._weather.drops or self._weather.resets:
                self._cut(writer)
                return
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or all of this is over
        finally:
            await self._bury(writer)
            self._links.discard(link)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self._ends.add(back)
        ways = [
            asyncio.create_task(self._pass(reader, back, is_up=True)),
            asyncio.create_task(self._pass(there, writer, is_up=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await self._bury(back)

    async def _bury(self, end: asyncio.StreamWriter) -> None:
        """What was written before goes out as long as the other end takes it."""
        self._ends.discard(end)
        end.close()
        try:
            async with asyncio.timeout(1):
                await end.wait_closed()
        except (OSError, asyncio.CancelledError):
            end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool) -> None:
        """Pass bytes on as the weather allows, until this direction ends; its end is passed on, too."""
        while piece := await reader.read(_PIECE):
            way = await self._open_way(is_up)
            if way.delay_s:
                await asyncio.sleep(way.delay_s)
            await self._write(writer, piece, is_up)
        await self._open_way(is_up)
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes, is_up: bool) -> None:
        """The whole piece at once, or a byte at a time for as long as the weather drips."""
        while piece:
            way = await self._open_way(is_up)
            some, piece = (piece[:1], piece[1:]) if way.drip_s else (piece, b"")
            writer.write(some)
            await writer.drain()
            if piece:
                await asyncio.sleep(way.drip_s)

    async def _open_way(self, is_up: bool) -> Way:
        """The direction's state, once it is no hole."""
        while (self._weather.up if is_up else self._weather.down).hole:
            await self._changed.wait()
        return self._weather.up if is_up else self._weather.down


class Network:
    """The thread on which proxies live, for the time of a block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._proxies: list[Proxy] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            self.run(proxy.close())
        self.run(asyncio.sleep(0.02))  # aborted connections are closed in the loop's next rounds
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def between(self, name: str, port: int) -> Proxy:
        """A proxy to `port` of this machine, in fair weather."""
        proxy = Proxy(self, name, port)
        self.run(proxy.open())
        self._proxies.append(proxy)
        return proxy

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have the loop do something, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
