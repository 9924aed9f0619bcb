"""What a way of telling people looks like. Channels know notices, never rows."""

import uuid
from typing import Protocol

from notifications.rules import Notice


class Channel(Protocol):
    """One way to reach somebody. `name` is what delivery rows say."""

    name: str

    def send(self, notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None:
        """Hand the notice over. The same event always has the same `notice_id`, however often it is sent."""
