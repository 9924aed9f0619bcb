"""The user behind a request, once a permission or a decorator has let it in, and operators' permission."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from tenancy import viewer


def caller(request: Request | HttpRequest) -> User:
    """The user who sent `request`; an anonymous one (nobody guarded the view) is refused."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class IsOperator(IsAdminUser):
    """Staff alone, who see everybody's rows in a view with this permission, and only there."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        allowed = super().has_permission(request, view)
        if allowed:
            viewer.become(viewer.EVERYBODY)
        return allowed
