"""Sends a request to one cluster and gives back its answer, bounded in time and size, or says what is known.

The key goes to the cluster's own origin and nowhere else. No redirect is followed. Messages are written
here, never taken from an exception of the HTTP library: those quote URLs, and URLs are signed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from requests import exceptions
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError

from jobs.clusters.base import ClusterError, Denied, Refused, Unanswered, Unreachable, Unreadable
from jobs.clusters.http.answer import Answer
from jobs.clusters.http.deadline import NotConnected, countdown_of
from jobs.clusters.http.faults import fault_of
from jobs.clusters.http.origin import KeyForOrigin, is_sendable, resolved

MAX_BODY = 8 * 1024**2
TOO_LARGE = "too_large"

_MAX_PROBLEM = 64 * 1024
_PIECE = 64 * 1024
_LEAST_SPEED = 16 * 1024
_SHORTEST_SECRET = 8  # what is shorter may be a word of any answer
_UNSENDABLE = (
    exceptions.InvalidJSONError,
    exceptions.InvalidSchema,
    exceptions.InvalidURL,
    exceptions.MissingSchema,
    UnicodeError,
)


class Transport:
    """`session` is one of `registry.open_session`: its adapter keeps the deadlines. Safe to share by threads."""

    def __init__(self, base_url: str, key: str, session: requests.Session) -> None:
        # The library would quote the key when it refuses to send it.
        if not is_sendable(key):
            raise Unreachable("The cluster's key has characters that no HTTP header can carry.", code="setting")
        self._base_url = base_url.rstrip("/") + "/"
        self._key = key
        self._session = session
        self._auth = KeyForOrigin(key, self._base_url)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> Answer:
        """The answer, whatever its status. Raises NotSent, Unknown or Unreadable.

        The key, and `secrets` that were sent, are blotted out where an answer quotes them.
        """
        with self._sent(method, self._base_url + path, params=params, json=json, headers=headers) as response:
            if 200 <= response.status_code < 300:
                return Answer(response.status_code, response.headers, self._blotted(_body(response), secrets))
            return self._problem(response, secrets)

    def stream(self, url: str) -> Iterator[bytes]:
        """The content of a file in pieces; `url` may be relative. Raises at the first piece or on the way.

        A refusal is never `Denied`: an address that ran out says nothing about our key.
        """
        with self._sent("GET", resolved(self._base_url, url)) as response:
            if not 200 <= response.status_code < 300:
                fault = fault_of(self._problem(response))
                raise Refused(fault.message, code=fault.code) if isinstance(fault, Denied) else fault
            countdown_of(response).keep_pace(_LEAST_SPEED)
            yield from response.iter_content(_PIECE)

    def _problem(self, response: requests.Response, secrets: Sequence[str] = ()) -> Answer:
        """An error with the beginning of its body; its status alone counts where that cannot be read."""
        try:
            body = next(response.iter_content(_MAX_PROBLEM), b"")
        except (requests.RequestException, HTTPError):
            body = b""
        return Answer(response.status_code, response.headers, self._blotted(body, secrets))

    def _blotted(self, body: bytes, secrets: Sequence[str]) -> bytes:
        """The body without our secrets, as they are and as JSON writes them (some escape the slash)."""
        for secret in (self._key, *secrets):
            if len(secret) >= _SHORTEST_SECRET:
                for written in {secret, json.dumps(secret)[1:-1], secret.replace("/", "\\/")}:
                    body = body.replace(written.encode(), "…".encode())
        return body

    @contextmanager
    def _sent(self, method: str, url: str, **kwargs: Any) -> Iterator[requests.Response]:
        try:
            with self._session.request(
                method, url, auth=self._auth, allow_redirects=False, stream=True, **kwargs
            ) as response:
                yield response
        except _UNSENDABLE:
            raise Unreachable("The cluster's address cannot be used: check the settings.", code="setting") from None
        except (requests.RequestException, HTTPError) as fault:
            raise _meaning(fault) from None


def _body(response: requests.Response) -> bytes:
    """The whole body, at most MAX_BODY after unpacking."""
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > MAX_BODY:
            raise Unreadable(f"The cluster's answer is larger than {MAX_BODY // 1024**2} MiB.", code=TOO_LARGE)
        pieces.append(piece)
    return b"".join(pieces)


def _meaning(fault: Exception) -> ClusterError:
    """What is known after a call without an answer."""
    reason = fault.args[0] if fault.args else None
    cause = reason.reason if isinstance(reason, MaxRetryError) else reason
    if isinstance(cause, NotConnected):
        return Unreachable(f"The cluster cannot be reached: {cause.reason}.", code="unreachable")
    if isinstance(fault, exceptions.ProxyError):
        return Unreachable("The proxy before the cluster cannot be reached.", code="unreachable")
    if isinstance(fault, exceptions.Timeout) or isinstance(cause, ReadTimeoutError):
        return Unanswered("The cluster did not answer in time.", code="timeout")
    if isinstance(fault, exceptions.ContentDecodingError):
        return Unreadable("The cluster's answer cannot be unpacked.", code="garbage")
    return Unanswered("The cluster broke the connection before its answer was complete.", code="reset")
