"""/api/notifications: the user's own inbox."""

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from notifications.api.inputs import NotificationFilter
from notifications.api.outputs import MarkedBody, NotificationBody, NotificationOutput
from notifications.models import Notification
from notifications.selectors import visible_to
from notifications.services import inbox as services


@extend_schema(parameters=[NotificationFilter])
class NotificationList(ListAPIView[Notification]):
    """Your notifications, the newest first."""

    queryset = Notification.objects.none()  # get_queryset decides; this names the rows for the API document
    serializer_class = NotificationOutput
    list_key = "notifications"

    def get_queryset(self) -> QuerySet[Notification]:
        query = NotificationFilter(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        notifications = visible_to(caller(self.request))
        unread, type_ = query.validated_data["unread"], query.validated_data.get("type")
        if type_:
            notifications = notifications.filter(type=type_)
        return notifications if unread is None else notifications.filter(read=not unread)


class NotificationRead(APIView):
    """Marks one as read; doing it again changes nothing."""

    @extend_schema(request=None, responses=NotificationBody)
    def post(self, request: Request, notification_id: uuid.UUID) -> Response:
        notification = services.notification_mark_read(user=caller(request), notification_id=notification_id)
        return Response({"notification": NotificationOutput(notification).data})


class NotificationReadAll(APIView):
    """Marks all of yours as read."""

    @extend_schema(request=None, responses=MarkedBody)
    def post(self, request: Request) -> Response:
        return Response({"marked": services.notification_mark_all_read(user=caller(request))})
