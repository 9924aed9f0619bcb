"""Operators read what users were told, and how it went out. Nobody edits either."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from notifications.models import Delivery, DeliveryAttempt, Notification, Preference, WebhookEndpoint


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(ReadOnly):
    list_display = ["title", "owner", "type", "priority", "read", "created_at"]
    list_filter = ["type", "priority", "read", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["title", "message", "owner__username"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = [
        *("id", "channel", "webhook", "state", "owner", "attempts_made", "last_status_code", "last_error"),
        *("next_attempt_at", "created_at"),
    ]
    list_filter = ["channel", "state", "created_at"]
    list_select_related = ["owner", "webhook"]
    raw_id_fields = ["job_event", "dataset_event", "alert", "notification", "webhook"]


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnly):
    list_display = ["delivery_id", "number", "owner", "started_at", "seconds", "status_code", "error"]
    list_filter = ["status_code", "started_at"]
    list_select_related = ["owner"]
    raw_id_fields = ["delivery"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly):
    """Without what its secret is made from."""

    list_display = ["url", "owner", "description", "enabled", "disabled_reason", "last_success_at", "created_at"]
    list_filter = ["enabled", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["url", "description", "owner__username"]
    exclude = ["secret_salt", "previous_salt"]


@admin.register(Preference)
class PreferenceAdmin(ReadOnly):
    list_display = ["owner", "type", "channel", "enabled", "created_at"]
    list_filter = ["type", "channel", "enabled"]
    list_select_related = ["owner"]
