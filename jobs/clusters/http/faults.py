"""An answer that is not 2xx -> the fault it means. Pure.

401 403 407          Denied         our key, or the proxy's, is not accepted
402 429              NotSent        a refusal for now, with Retry-After where told
503 with Retry-After NotSent        without it, it is any other 5xx
404 410              NoSuchJob      where a job was asked for
404 405 501          NoSuchRoute    where none was: a route of level 2 that is gone
400 409 on submit    AlreadyExists  where it says so, or says nothing else
409 on submit        NotSent        with Retry-After: the same key is being worked on
other 4xx            Refused        a lasting no, with the cluster's own words
3xx                  Unreadable     redirects are not followed
408 and 5xx          Unknown        it may have happened
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jobs import http_dates
from jobs.clusters.base import (
    AlreadyExists,
    ClusterError,
    Denied,
    NoSuchJob,
    NoSuchRoute,
    NotSent,
    Refused,
    Unknown,
    Unreadable,
)
from jobs.clusters.http import reading
from jobs.clusters.http.answer import Answer
from jobs.clusters.http.words import words

LONGEST_WAIT_S = 3600.0
T = TypeVar("T")

_EXISTS = re.compile(
    r"\balready[ _](exists?|submitted|queued|running|registered|known)|\bduplicate[ _](job|submission)"
)
_EXISTS_CODES = {"exists", "already_exists", "job_exists", "duplicate", "duplicate_job", "conflict"}
_IN_FLIGHT_CODES = {"in_flight", "submission_in_flight", "in_progress"}


def checked(answer: Answer, *, submitting: bool = False, about_a_job: bool = False) -> Answer:
    """The answer, if its status is 2xx; else raises what it means."""
    if answer.ok:
        return answer
    raise fault_of(answer, submitting=submitting, about_a_job=about_a_job)


def understood(answer: Answer, read: Callable[[Any], T]) -> T:
    """What `read` makes of the answer's JSON. Raises Unreadable where it raises ValueError."""
    try:
        return read(answer.json())
    except ValueError as reason:
        raise Unreadable(f"The cluster's answer makes no sense: {reason}.", code="garbage") from None


def fault_of(answer: Answer, *, submitting: bool = False, about_a_job: bool = False) -> ClusterError:
    """What an answer outside of 2xx means; `message` names the status and says what the cluster said."""
    said, code = words(answer)
    wait = retry_after_s(answer)
    message = f"The cluster answered {answer.status}" + (f": {said}" if said else ".")
    kind: type[ClusterError]
    match answer.status:
        case 401 | 403 | 407:
            kind = Denied
        case 402 | 429:
            kind = NotSent
        case 503 if wait is not None:
            kind = NotSent
        case 404 | 410 if about_a_job:
            kind = NoSuchJob
        case 404 | 405 | 501 if not submitting and not about_a_job:
            kind = NoSuchRoute
        case 400 | 409 if submitting:
            kind = _conflict(answer.status, said, code, wait)
        case status if 300 <= status < 400:
            kind, message = Unreadable, f"The cluster answered with a redirect{_target(answer)}, which is not followed."
        case status if 400 <= status < 500 and status != 408:
            kind = Refused
        case _:
            kind = Unknown
    return kind(message, retry_after_s=wait, code=code or f"http_{answer.status}")


def _conflict(status: int, said: str, code: str, wait: float | None) -> type[ClusterError]:
    if code in _EXISTS_CODES or _EXISTS.search(said.lower()):
        return AlreadyExists
    if status == 409 and (code in _IN_FLIGHT_CODES or wait is not None):
        return NotSent
    # A 409 that gives no reason is most likely a job that is there already: looking it up costs nothing.
    return AlreadyExists if status == 409 and not code else Refused


def retry_after_s(answer: Answer) -> float | None:
    """Seconds to wait, at most an hour, from a Retry-After in seconds or as a date; None where not told.

    A date is the cluster's clock: it is compared with the answer's own Date, with our clock only without one.
    """
    told = answer.header("Retry-After").strip()
    if not told:
        return None
    try:
        seconds = float(told)
    except ValueError:
        until = http_dates.parsed(told)
        if until is None:
            return None
        seconds = (until - (http_dates.parsed(answer.header("Date")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if seconds == seconds else None


def _target(answer: Answer) -> str:
    """Where a redirect points, without path and query: enough to see the mistake in a setting."""
    try:
        parts = urlsplit(answer.header("Location"))
        place = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return ""
    return f" to {reading.text(place, longest=100)}" if parts.hostname else ""
