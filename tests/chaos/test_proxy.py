"""The proxy spoils connections as told, and passes everything on in fair weather."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.chaos.proxy import FAIR, HOST, Network, Proxy, Way, Weather


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """In front of a server that says everything back."""
    with ExitStack() as open_, Network() as network:
        server = open_.enter_context(socket.create_server((HOST, 0)))

        def echo(connection: socket.socket) -> None:
            with connection:
                while piece := connection.recv(1000):
                    connection.sendall(piece)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=quietly, args=(echo, connection), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        open_.callback(server.shutdown, socket.SHUT_RDWR)
        yield network.between("echo", server.getsockname()[1])


def quietly(work: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with suppress(OSError):
        work(connection)


@contextmanager
def connected(proxy: Proxy, patience_s: float = 10) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, proxy.port), timeout=patience_s) as connection:
        yield connection


def is_over(connection: socket.socket) -> bool:
    """Whether the other end closes the connection, one way or the other."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def heard(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (piece := connection.recv(count - len(got))):
        got += piece
    return got


def test_fair_weather_passes_everything_on(proxy: Proxy) -> None:
    said = bytes(range(256)) * 1000
    with connected(proxy) as connection:
        threading.Thread(target=connection.sendall, args=(said,)).start()
        assert heard(connection, len(said)) == said


def test_the_end_of_one_direction_is_passed_on(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        assert heard(connection, 100) == b"bye"


@pytest.mark.parametrize("weather", [Weather(down=Way(hole=True)), Weather(up=Way(hole=True))])
def test_a_hole_holds_back_until_it_is_over(proxy: Proxy, weather: Weather) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"a")
        assert heard(connection, 1) == b"a"
        proxy.spoil(weather)
        connection.sendall(b"b")
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.spoil(FAIR)
        connection.settimeout(10)
        assert heard(connection, 1) == b"b"


def test_a_reset_ends_what_is_open_and_what_comes(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"a")
        assert heard(connection, 1) == b"a"
        proxy.spoil(Weather(resets=True))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionResetError), connected(proxy) as connection:
        connection.recv(1)
    proxy.spoil(FAIR)
    with connected(proxy) as connection:
        connection.sendall(b"b")
        assert heard(connection, 1) == b"b"


def test_a_drop_ends_what_is_open_politely(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"a")
        assert heard(connection, 1) == b"a"
        proxy.spoil(Weather(drops=True))
        assert connection.recv(1) == b""


def test_a_drip_brings_single_bytes_in_order(proxy: Proxy) -> None:
    proxy.spoil(Weather(down=Way(drip_s=0.001)))
    with connected(proxy) as connection:
        connection.sendall(b"slowly")
        assert heard(connection, 6) == b"slowly"


def test_a_delay_delays_one_direction_alone(proxy: Proxy) -> None:
    proxy.spoil(Weather(up=Way(delay_s=0.05)))
    with connected(proxy) as connection:
        connection.sendall(b"late")
        assert heard(connection, 4) == b"late"


def test_a_server_that_is_gone_ends_the_connection() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
    with Network() as network, connected(network.between("nobody", port)) as connection:
        assert is_over(connection)
