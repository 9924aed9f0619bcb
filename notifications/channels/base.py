"""What a way of telling people looks like. Channels know notices and messages, never rows."""

import uuid
from dataclasses import dataclass
from typing import Protocol

from notifications.rules import Notice

MAX_ANSWER = 1000  # characters of an answer that are kept and shown
MAX_ERROR = 300


class Channel(Protocol):
    """One way to reach somebody. `name` is what delivery rows say."""

    name: str

    def send(self, notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None:
        """Hand the notice over. The same event always has the same `notice_id`, however often it is sent."""


@dataclass(frozen=True)
class Outcome:
    """What came of one call over the network. A call never raises: whatever went wrong is said here.

    `permanent` means that trying again cannot help, `gone` that the receiver wants nothing any more.
    """

    ok: bool
    seconds: float
    status_code: int | None = None
    error: str = ""
    answer: str = ""
    permanent: bool = False
    gone: bool = False
    retry_after_s: float | None = None
