"""The one way out to addresses that users chose: a signed POST, bounded in time and size, to a checked address.

No redirect is followed, no proxy of the environment is used, nothing but the message is sent. The connection goes
to the very address that was judged (targets.py), so that a name cannot change its mind in between.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError

from jobs import http_dates
from jobs.clusters.http.deadline import DeadlineAdapter, DirectSession, NotConnected
from notifications.channels import signing, targets
from notifications.channels.base import MAX_ANSWER, MAX_ERROR, Outcome
from notifications.channels.targets import NoSuchHost, Refused

CONNECT_S = 5.0
CALL_S = 10.0
MAX_BODY = 64 * 1024
GONE = 410
_USER_AGENT = "LoRA-Pipeline-Webhooks/1"


@dataclass(frozen=True)
class Message:
    """One signed message. `at` is its moment, seconds since 1970; the id is the same at every try."""

    url: str
    id: str
    at: int
    body: bytes
    secrets: Sequence[str] = field(repr=False)


class _Pinned(DeadlineAdapter):
    """Connects to `address` whatever the URL's host resolves to now; TLS still has to prove the host's name."""

    def __init__(self, address: str, host: str) -> None:
        self._address = address
        self._host = host
        super().__init__(connect_s=CONNECT_S, call_s=CALL_S, connections=1)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        place, given = super().build_connection_pool_key_attributes(*args, **kwargs)
        options: dict[str, Any] = {**given}
        if place["scheme"] == "https":
            options["server_hostname"] = self._host
        return {**place, "host": self._address}, options


def send(message: Message, *, allow_private: bool) -> Outcome:
    """POST the message, once."""
    began = monotonic()
    try:
        target = targets.parse(message.url, allow_private=allow_private)
        address = targets.resolve(target, allow_private=allow_private)
    except NoSuchHost:
        return _failed(began, "The host's name does not resolve.")
    except Refused as refusal:
        return _failed(began, refusal.message)
    headers = {
        **signing.headers(message_id=message.id, at=message.at, body=message.body, secrets_=message.secrets),
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": _USER_AGENT,
        "Host": _host_header(target),
    }
    with DirectSession() as session:
        session.trust_env = False  # no proxy, no .netrc; but an operator's own authorities count here as elsewhere
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        session.mount(f"{target.scheme}://", _Pinned(address, target.host))
        try:
            with session.post(message.url, data=message.body, headers=headers, stream=True) as answer:
                return _outcome(began, answer, _beginning(answer))
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as fault:
            return _failed(began, _reason(fault))


def _host_header(target: targets.Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"http": 80, "https": 443}[target.scheme]
    return host if target.port == usual else f"{host}:{target.port}"


def _beginning(answer: requests.Response) -> bytes:
    """At most MAX_BODY of the body; what cannot be read in time counts as no body, for the status is known."""
    try:
        return bytes(answer.raw.read(MAX_BODY, decode_content=False))
    except (HTTPError, OSError):
        return b""


def _outcome(began: float, answer: requests.Response, body: bytes) -> Outcome:
    status = answer.status_code
    ok = 200 <= status < 300
    redirected = " Redirects are not followed: enter the final address." if 300 <= status < 400 else ""
    return Outcome(
        ok=ok,
        seconds=monotonic() - began,
        status_code=status,
        error="" if ok else f"It answered {status}.{redirected}",
        answer=_printable(body),
        gone=status == GONE,
        permanent=status == GONE,
        retry_after_s=None if ok else _asked_s(answer.headers.get("Retry-After", "")),
    )


def _printable(body: bytes) -> str:
    text = body[: 4 * MAX_ANSWER].decode("utf-8", "replace")
    return re.sub(r"[^\S\n]|[\x00-\x09\x0b-\x1f\x7f]", " ", text)[:MAX_ANSWER]


def _asked_s(text: str) -> float | None:
    """Retry-After, seconds or a date, as seconds from now; None where it says neither."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    date = http_dates.parsed(text)
    return None if date is None else max(0.0, (date - datetime.now(UTC)).total_seconds())


def _failed(began: float, error: str) -> Outcome:
    return Outcome(ok=False, seconds=monotonic() - began, error=error[:MAX_ERROR])


def _reason(fault: Exception) -> str:
    """In our own words: those of the libraries quote addresses and paths."""
    inner = fault.args[0] if fault.args else None
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    if isinstance(cause, NotConnected):
        return f"No connection: {cause.reason}."
    if isinstance(fault, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return f"It did not answer within {CALL_S:.0f} seconds."
    return "It broke the connection before its answer was complete."
