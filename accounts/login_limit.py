"""How often passwords and tokens may be guessed at: per address, and passwords per username too.

A right token is always let in: it cannot be guessed, and one broken script must not shut out its whole office.
"""

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import AnonRateThrottle

from accounts import guesses
from accounts.guesses import Guess


def password(request: HttpRequest, username: str) -> Guess:
    """Before a password is looked at."""
    return guesses.begin(_rate("login"), address=_network(request), username=username.casefold())


def token(request: HttpRequest | Request) -> Guess:
    """After a token was found wrong."""
    return guesses.begin(_rate("anon"), token=_network(request))


def _rate(scope: str) -> str:
    return str(api_settings.DEFAULT_THROTTLE_RATES[scope])


def _network(request: HttpRequest | Request) -> str:
    return guesses.network(str(AnonRateThrottle().get_ident(request)))  # type: ignore[arg-type]
