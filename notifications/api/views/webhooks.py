"""/api/webhooks: where one's programs hear of events."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from notifications.api.inputs import WebhookChanges, WebhookInput
from notifications.api.outputs import OutcomeOutput, TestBody, WebhookBody, WebhookOutput, WebhookWithSecret
from notifications.models import WebhookEndpoint
from notifications.selectors import webhooks_visible_to
from notifications.services import webhooks

NO_STORE = {"Cache-Control": "no-store"}


class WebhookList(ListAPIView[WebhookEndpoint]):
    """Your webhooks; POST makes one, whose secret is in the answer alone."""

    queryset = WebhookEndpoint.objects.none()  # get_queryset decides; this names the rows for the API document
    serializer_class = WebhookOutput
    list_key = "webhooks"

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return webhooks_visible_to(caller(self.request))

    @extend_schema(request=WebhookInput, responses={201: WebhookWithSecret})
    def post(self, request: Request) -> Response:
        form = WebhookInput(data=request.data)
        form.is_valid(raise_exception=True)
        webhook, secret = webhooks.webhook_create(user=caller(request), **form.validated_data)
        return Response(_with_secret(webhook, secret), status=status.HTTP_201_CREATED, headers=NO_STORE)


class WebhookDetail(APIView):
    """One of yours."""

    @extend_schema(responses=WebhookBody)
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:
        webhook = webhooks.webhook_get(user=caller(request), webhook_id=webhook_id)
        return Response({"webhook": WebhookOutput(webhook).data})

    @extend_schema(request=WebhookChanges, responses=WebhookBody)
    def patch(self, request: Request, webhook_id: uuid.UUID) -> Response:
        webhooks.webhook_get(user=caller(request), webhook_id=webhook_id)
        form = WebhookChanges(data=request.data)
        form.is_valid(raise_exception=True)
        webhook = webhooks.webhook_update(user=caller(request), webhook_id=webhook_id, **form.validated_data)
        return Response({"webhook": WebhookOutput(webhook).data})

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, webhook_id: uuid.UUID) -> Response:
        webhooks.webhook_delete(user=caller(request), webhook_id=webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookRotateSecret(APIView):
    """A new secret, in the answer alone. Messages carry the signatures of both for a day."""

    @extend_schema(request=None, responses=WebhookWithSecret)
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        webhook, secret = webhooks.webhook_rotate_secret(user=caller(request), webhook_id=webhook_id)
        return Response(_with_secret(webhook, secret), headers=NO_STORE)


class WebhookTest(APIView):
    """Sends a test message at once and waits for the answer, ten seconds at most."""

    throttle_scope = "create"

    @extend_schema(request=None, responses=TestBody)
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        outcome = webhooks.webhook_test(user=caller(request), webhook_id=webhook_id)
        return Response({"result": OutcomeOutput(outcome).data})


def _with_secret(webhook: WebhookEndpoint, secret: str) -> dict[str, Any]:
    return {"webhook": WebhookOutput(webhook).data, "secret": secret}
