"""/api/webhooks/{id}/deliveries: what went out to a webhook, and once more."""

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets.nudges import nudge
from notifications import tasks
from notifications.api.inputs import DeliveryFilter
from notifications.api.outputs import DeliveryBody, DeliveryDetail, DeliveryOutput
from notifications.models import Delivery
from notifications.selectors import deliveries_of
from notifications.services import webhooks


@extend_schema(parameters=[DeliveryFilter])
class DeliveryList(ListAPIView[Delivery]):
    """What was sent, or is to be sent, the newest first."""

    queryset = Delivery.objects.none()  # get_queryset decides; this names the rows for the API document
    serializer_class = DeliveryOutput
    list_key = "deliveries"

    def get_queryset(self) -> QuerySet[Delivery]:
        webhook = webhooks.webhook_get(user=caller(self.request), webhook_id=self.kwargs["webhook_id"])
        query = DeliveryFilter(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = {"state": query.validated_data.get("state"), "payload__type": query.validated_data.get("type")}
        return deliveries_of(webhook).filter(**{field: value for field, value in wanted.items() if value})


class DeliveryDetailView(APIView):
    """One, with its content and each try."""

    @extend_schema(responses=DeliveryBody)
    def get(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        delivery = webhooks.delivery_get(user=caller(request), webhook_id=webhook_id, delivery_id=delivery_id)
        return Response({"delivery": DeliveryDetail(delivery).data})


class DeliveryReplay(APIView):
    """Sends a delivery again, with the same id and content; 409 while it is being sent."""

    @extend_schema(request=None, responses=DeliveryBody)
    def post(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        delivery = webhooks.delivery_replay(user=caller(request), webhook_id=webhook_id, delivery_id=delivery_id)
        nudge(tasks.send_due)
        return Response({"delivery": DeliveryDetail(delivery).data})
