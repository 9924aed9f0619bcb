"""What clients get. A webhook's secret leaves when it is made, and never again."""

from typing import Any

from rest_framework import serializers

from notifications.models import Delivery, DeliveryAttempt, Notification, WebhookEndpoint


class NotificationOutput(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["id", "type", "title", "message", "priority", "read", "read_at", "action_url", "created_at"]


class NotificationBody(serializers.Serializer[None]):
    notification = NotificationOutput()


class MarkedBody(serializers.Serializer[None]):
    marked = serializers.IntegerField(help_text="how many were unread")


class UnreadBody(serializers.Serializer[None]):
    unread = serializers.IntegerField()
    newest = NotificationOutput(allow_null=True, help_text="the newest unread one")


class PreferenceOutput(serializers.Serializer[Any]):
    type = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    channel = serializers.CharField()
    enabled = serializers.BooleanField()


class EmailOutput(serializers.Serializer[None]):
    available = serializers.BooleanField(help_text="whether this installation has a mail server")
    address = serializers.CharField(help_text="of your account; empty: no e-mails")


class PreferencesBody(serializers.Serializer[None]):
    preferences = PreferenceOutput(many=True)
    email = EmailOutput()


class WebhookOutput(serializers.ModelSerializer[WebhookEndpoint]):
    event_types = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = WebhookEndpoint
        fields = [
            *("id", "url", "description", "event_types", "enabled", "disabled_at", "disabled_reason"),
            *("last_success_at", "created_at", "updated_at"),
        ]


class WebhookBody(serializers.Serializer[None]):
    webhook = WebhookOutput()


class WebhookWithSecret(serializers.Serializer[None]):
    webhook = WebhookOutput()
    secret = serializers.CharField(help_text="whsec_…, which messages are signed with; shown this once")


class OutcomeOutput(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="whether it answered 2xx")
    status_code = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField()
    error = serializers.CharField()
    answer = serializers.CharField(help_text="its beginning")


class TestBody(serializers.Serializer[None]):
    result = OutcomeOutput()


class AttemptOutput(serializers.ModelSerializer[DeliveryAttempt]):
    class Meta:
        model = DeliveryAttempt
        fields = ["number", "is_replay", "started_at", "seconds", "status_code", "error", "answer"]


class DeliveryOutput(serializers.ModelSerializer[Delivery]):
    id = serializers.UUIDField(source="message_id", help_text="`webhook-id` is msg_ and this")
    type = serializers.CharField(source="payload.type")
    attempts = serializers.IntegerField(source="attempts_made")

    class Meta:
        model = Delivery
        fields = [
            *("id", "type", "state", "attempts", "last_status_code", "last_error"),
            *("next_attempt_at", "delivered_at", "created_at"),
        ]


class DeliveryDetail(DeliveryOutput):
    payload = serializers.DictField(help_text="the body as it is sent")
    attempts = AttemptOutput(many=True)  # type: ignore[assignment]  # a list in place of its length

    class Meta(DeliveryOutput.Meta):
        fields = [*DeliveryOutput.Meta.fields, "payload"]


class DeliveryBody(serializers.Serializer[None]):
    delivery = DeliveryDetail()
