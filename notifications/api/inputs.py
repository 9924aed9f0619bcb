"""What clients send: only a filter, in the query."""

from rest_framework import serializers


class NotificationFilter(serializers.Serializer[None]):
    unread = serializers.BooleanField(required=False, allow_null=True, default=None, help_text="true: only unread")
