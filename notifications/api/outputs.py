"""What clients get."""

from rest_framework import serializers

from notifications.models import Notification


class NotificationOutput(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["id", "type", "title", "message", "priority", "read", "read_at", "action_url", "created_at"]


class NotificationBody(serializers.Serializer[None]):
    notification = NotificationOutput()


class MarkedBody(serializers.Serializer[None]):
    marked = serializers.IntegerField(help_text="how many were unread")
