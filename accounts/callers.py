"""The user behind a request, once a permission or a decorator has let it in."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.request import Request


def caller(request: Request | HttpRequest) -> User:
    """The user who sent `request`; an anonymous one (nobody guarded the view) is refused."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
