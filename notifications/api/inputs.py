"""What clients send."""

from rest_framework import serializers

from notifications.kinds import KINDS, PERSONAL_CHANNELS, inbox_types
from notifications.models import Delivery


class NotificationFilter(serializers.Serializer[None]):
    unread = serializers.BooleanField(required=False, allow_null=True, default=None, help_text="true: only unread")
    type = serializers.ChoiceField(choices=list(inbox_types()), required=False)


class PreferenceInput(serializers.Serializer[None]):
    type = serializers.ChoiceField(choices=list(KINDS))
    channel = serializers.ChoiceField(choices=list(PERSONAL_CHANNELS))
    enabled = serializers.BooleanField()


class PreferencesInput(serializers.Serializer[None]):
    preferences = PreferenceInput(many=True, help_text="those that change; the others stay")


class WebhookInput(serializers.Serializer[None]):
    url = serializers.CharField(max_length=2000, help_text="https://…, at a public address")
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=list(KINDS)), min_length=1, max_length=len(KINDS)
    )
    description = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class WebhookChanges(serializers.Serializer[None]):
    url = serializers.CharField(max_length=2000, required=False)
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=list(KINDS)), min_length=1, max_length=len(KINDS), required=False
    )
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)


class DeliveryFilter(serializers.Serializer[None]):
    state = serializers.ChoiceField(choices=Delivery.State.values, required=False)
    type = serializers.ChoiceField(choices=list(KINDS), required=False)
