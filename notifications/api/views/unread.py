"""/api/notifications/unread: the bell's number, for pages that stay open."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from jobs.api import conditional
from notifications.api.outputs import NotificationOutput, UnreadBody
from notifications.selectors import visible_to


class NotificationUnread(APIView):
    """How many are unread, and the newest of them. Answers 304 to `If-None-Match` while that stays so."""

    @extend_schema(responses={200: UnreadBody, 304: None})
    def get(self, request: Request) -> Any:
        unread = visible_to(caller(request)).filter(read=False)
        count, newest = unread.count(), unread.first()
        etag = conditional.etag_of(count, newest and newest.pk)
        unchanged = conditional.not_modified(request, etag)
        if unchanged is not None:
            return unchanged
        told = NotificationOutput(newest).data if newest else None
        return Response({"unread": count, "newest": told}, headers=conditional.headers(etag))
