"""The name of an answer's content, by which a client asks whether it still has the newest. Pure."""

import hashlib


def weak_etag(content: str) -> str:
    """The same for the same content alone. Weak, since it may go out compressed in different ways."""
    return f'W/"{hashlib.blake2b(content.encode(), digest_size=16).hexdigest()}"'
