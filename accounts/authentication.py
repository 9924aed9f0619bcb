"""Who calls the API: the owner of a bearer token, or the user of the web page's session."""

from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from accounts import login_limit
from accounts.models import ApiToken
from tenancy import viewer


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer <token>`. Any unusable token (unknown, expired, garbage) is the same 401, or, after a
    good many of them from one address, a 429."""

    def authenticate(self, request: Request) -> tuple[object, ApiToken] | None:
        try:
            found: tuple[object, ApiToken] | None = super().authenticate(request)
        except AuthenticationFailed:
            guess = login_limit.token(request)
            if guess.wait_s:
                raise Throttled(guess.wait_s) from None
            raise
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[object, ApiToken]:
        # One look-up by the hash: its value says nothing about a token that somebody guesses at.
        try:
            digest = hash_token(token.decode("ascii"))
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
        with viewer.seeing(viewer.EVERYBODY):  # whose token it is has to be found out
            row = ApiToken.objects.select_related("user").filter(digest=digest).order_by().first()
        is_over = row is not None and row.expiry is not None and row.expiry <= timezone.now()
        if row is None or is_over or not row.user.is_active:
            raise AuthenticationFailed("Invalid token.")
        viewer.become(row.user.pk)
        return row.user, row


class CsrfFailed(PermissionDenied):
    """The page that asks was opened before somebody logged in or out."""

    default_code = "csrf_failed"
    default_detail = "This page is out of date: you logged in or out in another tab. Reload it, then try again."


class WebSessionAuthentication(SessionAuthentication):
    """The session of the web page, with CSRF protection; a 401 (not a 403) for anonymous."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise CsrfFailed from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
