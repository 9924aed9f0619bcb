"""What a cluster may ask of us about one attempt, and the token that proves it is the one we asked.

The token is derived from the job and the attempt, so nothing has to be stored and it opens nothing else. Where
SECRET_KEY was replaced, runs that are under way go on with tokens of the former one (SECRET_KEY_FALLBACKS).
"""

import hashlib
import hmac
import uuid

from django.conf import settings

from accounts.redaction import CALLBACK_TOKEN_PREFIX


def url(job_id: uuid.UUID, attempt: int) -> str | None:
    """Where the cluster calls back; None without PUBLIC_BASE_URL."""
    return f"{settings.PUBLIC_BASE_URL}/api/callback/{job_id}/{attempt}" if settings.PUBLIC_BASE_URL else None


def token(job_id: uuid.UUID, attempt: int) -> str:
    """Bearer token for the callbacks of one attempt."""
    return CALLBACK_TOKEN_PREFIX + _digest(settings.SECRET_KEY, job_id, attempt)


def is_genuine(job_id: uuid.UUID, attempt: int, presented: str) -> bool:
    """Whether `presented` is the token of that attempt; takes the same time either way."""
    given = presented.removeprefix(CALLBACK_TOKEN_PREFIX).encode()  # former releases sent it without
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(_digest(key, job_id, attempt).encode(), given) for key in keys)


def _digest(key: str, job_id: uuid.UUID, attempt: int) -> str:
    return hmac.new(key.encode(), f"callback:{job_id}:{attempt}".encode(), hashlib.sha256).hexdigest()
