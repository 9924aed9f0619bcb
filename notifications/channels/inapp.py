"""The inbox on the web page."""

import uuid
from typing import Protocol

from notifications.rules import Notice


class Store(Protocol):
    def __call__(self, notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None: ...


class InApp:
    """Its wire is our own database, reached through `store`: handed over with the delivery row or not at all."""

    name = "in-app"

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None:
        self._store(notice, notice_id=notice_id, owner_id=owner_id)
