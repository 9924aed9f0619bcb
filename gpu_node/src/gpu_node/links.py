"""Signed, time-limited download links to the files of this node's runs."""

import hashlib
import hmac
from urllib.parse import quote

from gpu_node.clock import Clock

LIFETIME_S = 3600
MOST_DIGITS = 15


class Links:
    """Makes and checks links; a link is good for an hour and for one file."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def sign(self, base_url: str, external_id: str, path: str) -> str:
        """A link below `base_url` (no slash at its end)."""
        expires = int(self._clock.now()) + LIFETIME_S
        signature = self._signature(external_id, path, expires)
        return f"{base_url}/files/{external_id}/{quote(path)}?expires={expires}&signature={signature}"

    def allows(self, external_id: str, path: str, expires: str, signature: str) -> bool:
        """Whether the link was made here and has not expired."""
        is_moment = expires.isascii() and expires.isdigit() and len(expires) <= MOST_DIGITS
        if not is_moment or int(expires) < self._clock.now():
            return False
        expected = self._signature(external_id, path, int(expires))
        return hmac.compare_digest(expected.encode(), signature.encode())

    def _signature(self, external_id: str, path: str, expires: int) -> str:
        message = f"{external_id}\n{path}\n{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
