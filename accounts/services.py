"""What users do with their tokens."""

from datetime import timedelta

from django.contrib.auth.models import User

from accounts.exceptions import TokenNotFound
from accounts.models import ApiToken
from accounts.selectors import visible_to

MAX_DAYS = 3650


def token_create(*, user: User, name: str, expires_in: timedelta | None = None) -> tuple[ApiToken, str]:
    """A new token and its secret, which is stored nowhere. Without `expires_in` it works until revoked."""
    row, secret = ApiToken.objects.create(user=user, name=name, expiry=expires_in)
    return row, secret


def token_revoke(*, user: User, token_key: str) -> None:
    """Ends a token of the user's at once; raises TokenNotFound."""
    deleted, _ = visible_to(user).filter(token_key=token_key).delete()
    if not deleted:
        raise TokenNotFound
