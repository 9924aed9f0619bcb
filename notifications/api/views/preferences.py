"""/api/notifications/preferences: what one is told, by which way."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from notifications.api.inputs import PreferencesInput
from notifications.api.outputs import PreferenceOutput, PreferencesBody
from notifications.services import preferences


class PreferenceList(APIView):
    """What you are told in the inbox and by e-mail; webhooks have lists of their own."""

    @extend_schema(responses=PreferencesBody)
    def get(self, request: Request) -> Response:
        return Response(_body(caller(request)))

    @extend_schema(request=PreferencesInput, responses=PreferencesBody)
    def patch(self, request: Request) -> Response:
        form = PreferencesInput(data=request.data)
        form.is_valid(raise_exception=True)
        switches = {(one["type"], one["channel"]): one["enabled"] for one in form.validated_data["preferences"]}
        preferences.preference_set(user=caller(request), switches=switches)
        return Response(_body(caller(request)))


def _body(user: User) -> dict[str, Any]:
    return {
        "preferences": PreferenceOutput(preferences.preference_list(user=user), many=True).data,
        "email": {"available": settings.EMAIL_CONFIGURED, "address": user.email},
    }
