"""Ids as texts: what an address, a form or a cluster says may be anything."""

import uuid


def parsed(text: str) -> uuid.UUID | None:
    """The id that a text is, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
