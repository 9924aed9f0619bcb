"""Signatures and secrets after Standard Webhooks (standardwebhooks.com). Pure but for the random salt."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"


def new_salt() -> str:
    """What one secret is made from, beside our own key; worth nothing alone."""
    return secrets.token_hex(32)


def secret_of(*, key: str, endpoint_id: str, salt: str) -> str:
    """The secret `whsec_…` (32 bytes) of an endpoint, made anew each time: nothing that signs has to be stored."""
    message = f"notifications.webhook\n{endpoint_id}\n{salt}".encode()
    return PREFIX + base64.b64encode(hmac.digest(key.encode(), message, hashlib.sha256)).decode()


def headers(*, message_id: str, at: int, body: bytes, secrets_: Sequence[str]) -> dict[str, str]:
    """The three headers of a message; `at` in seconds since 1970. One signature per secret, the newest first."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256)).decode()
        for secret in secrets_
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
