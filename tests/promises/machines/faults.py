"""What goes wrong between us and a cluster, by route. Pure data: `cluster` acts on it.

`before`: the request is lost, so that nothing happens. `after`: the cluster acts, and its answer is lost.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP; `seconds` is how long it took."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Silence:
    """No answer: `refused` (no connection), `timeout` or `reset`."""

    kind: str
    seconds: float = 0.0


Answer = Reply | Silence

CALL_S = 20.0  # the longest that a call may take


def said(status: int, body: object, **headers: str) -> Reply:
    """A JSON answer (NaN included)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def problem(status: int, code: str, **headers: str) -> Reply:
    return said(status, {"title": "Not now", "code": code}, **headers)


# Instead of acting.
BEFORE: dict[str, Answer] = {
    "refused": Silence("refused"),
    "timeout before": Silence("timeout", CALL_S),
    "reset before": Silence("reset"),
    "500 before": problem(500, "boom"),
    "401": problem(401, "bad_key"),
    "402": problem(402, "quota"),
    "404": problem(404, "unknown_job"),
    "409 in flight": problem(409, "in_flight", Retry_After="3"),
    "409 exists": problem(409, "already_exists"),
    "409 refused": problem(409, "not_cancellable"),
    "422": problem(422, "unknown_setting"),
    "429": problem(429, "too_many", Retry_After="7"),
    "503": problem(503, "maintenance", Retry_After="Mon, 23 Nov 2026 12:30:00 GMT"),
    "redirect": Reply(302, b"", {"Location": "http://elsewhere.invalid/login"}),
}
# After acting.
AFTER: dict[str, Answer] = {
    "timeout after": Silence("timeout", CALL_S),
    "reset after": Silence("reset"),
    "500 after": problem(500, "boom"),
    "garbage": Reply(200, b"<html>It works!</html>"),
    "empty": said(200, {}),
}
# In what is told of a job.
TWISTED = frozenset({"older", "nan", "envelope", "unknown state", "huge", "twice", "again", "shuffled", "left out"})

_ALWAYS = ("refused", "timeout before", "reset before", "500 before", "401", "429", "503", "redirect", "garbage")
BY_ROUTE: dict[str, tuple[str, ...]] = {
    "submit": (*_ALWAYS, "402", "409 in flight", "409 exists", "422", *AFTER, "timeout after", "reset after"),
    "status": (*_ALWAYS, "404", *sorted(TWISTED)),
    "metrics": (*_ALWAYS, "404", "again", "twice", "shuffled"),
    "cancel": (*_ALWAYS, "404", "409 refused", *AFTER),
    "jobs": (*_ALWAYS, "404"),
    "capabilities": _ALWAYS,
    "artifacts": (*_ALWAYS, "404", "empty"),
}
