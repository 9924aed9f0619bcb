"""Operators read what users were told, and how it went out. Nobody edits either."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from notifications.models import Delivery, Notification


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
    list_display = ["id", "channel", "endpoint", "state", "owner", "job_event", "dataset_event", "created_at"]
    list_filter = ["channel", "state", "created_at"]
    list_select_related = ["owner", "job_event", "dataset_event"]
    raw_id_fields = ["job_event", "dataset_event", "notification"]
