"""One clock for a whole HTTP call, kept where the bytes arrive.

requests' own read timeout starts again with every piece received, so a server that sends a byte a second
holds a worker for ever. A session with this adapter spends at most `call_s` on connecting, sending,
headers and body together, and never more than `connect_s` on a connection.

    Session -> DeadlineAdapter -> connection pools -> _Connection -> _Response -> Countdown -> socket
"""

import http.client
import io
import socket
import ssl
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import HTTPResponse

# A connection that lay idle longer is not used again: the server may be closing it at this very moment,
# and a submit that meets the closing would have an unknown outcome.
IDLE_S = 1.5


class Countdown(io.RawIOBase):
    """Bytes of a socket until time is up. `keep_pace` turns the end of time into a least speed."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._pipe = sock.makefile("rb", buffering=0)
        self._patience_s = seconds
        self._ends_at = monotonic() + seconds
        self._s_per_byte = 0.0

    def keep_pace(self, bytes_per_s: float) -> None:
        """From now on each byte received earns time; a silence still lasts at most the call's seconds."""
        self._s_per_byte = 1 / bytes_per_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = min(self._ends_at - monotonic(), self._patience_s)
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        received = self._pipe.readinto(buffer)
        self._ends_at += (received or 0) * self._s_per_byte
        return received

    def close(self) -> None:
        self._pipe.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that reads through a countdown; urllib3 has just set the time left on the socket."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.countdown = Countdown(sock, sock.gettimeout() or 0.0)
        self.fp = io.BufferedReader(self.countdown)


class NotConnected(NewConnectionError):
    """No connection, so nothing was sent; `reason` says why, without addresses."""

    def __init__(self, connection: Any, reason: str) -> None:
        super().__init__(connection, reason)
        self.reason = reason


class _Connection(HTTPConnection):
    """A connection whose faults and idle time are told apart, and whose responses are on the clock."""

    response_class = _Response
    _used_at = 0.0

    def connect(self) -> None:
        """Connect, or raise NotConnected whatever went wrong, TLS included: no request has been sent yet."""
        try:
            super().connect()
        except (OSError, HTTPError, http.client.HTTPException) as fault:
            raise NotConnected(self, _reason(fault)) from fault

    @property
    def is_connected(self) -> bool:
        return monotonic() - self._used_at < IDLE_S and super().is_connected

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        response = super().getresponse()
        self._used_at = monotonic()
        return response


def _reason(fault: BaseException) -> str:
    match fault:
        case ConnectTimeoutError() if fault.__cause__ is not None:
            return _reason(fault.__cause__)
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted ({fault.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({fault.reason})"
        case TimeoutError():
            return "no connection in time"
        case OSError():
            return (fault.strerror or type(fault).__name__).lower()
    return type(fault).__name__


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _PlainPool, "https": _TlsPool}


class DeadlineAdapter(HTTPAdapter):
    """Seconds for connecting and for a whole call; a timeout given with a request is not looked at."""

    def __init__(self, *, connect_s: float, call_s: float, connections: int = 32) -> None:
        self.connect_s = connect_s
        self.call_s = call_s
        super().__init__(pool_connections=8, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = Timeout(connect=self.connect_s, total=self.call_s)
        return super().send(request, *args, **kwargs)


class DirectSession(requests.Session):
    """A session that knows no redirects. requests would read a redirect's whole body, whatever its size, even when it
    is told to follow none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def countdown_of(response: requests.Response) -> Countdown:
    """The clock that the body of a response is read under."""
    original: Any = response.raw._original_response
    countdown: Countdown = original.countdown
    return countdown
