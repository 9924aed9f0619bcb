"""What a cluster may ask of us about one attempt, and the token that proves it is the one we asked.

The token is derived from the job and the attempt, so nothing has to be stored and it opens nothing else.
"""

import hashlib
import hmac
import uuid

from django.conf import settings


def url(job_id: uuid.UUID, attempt: int) -> str | None:
    """Where the cluster calls back; None without PUBLIC_BASE_URL."""
    return f"{settings.PUBLIC_BASE_URL}/api/callback/{job_id}/{attempt}" if settings.PUBLIC_BASE_URL else None


def token(job_id: uuid.UUID, attempt: int) -> str:
    """Bearer token for the callbacks of one attempt."""
    message = f"callback:{job_id}:{attempt}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def is_genuine(job_id: uuid.UUID, attempt: int, presented: str) -> bool:
    """Whether `presented` is the token of that attempt; takes the same time either way."""
    return hmac.compare_digest(token(job_id, attempt).encode(), presented.encode())
