"""The inbox, and what its owner wants to be told by which way."""

import uuid

from django.conf import settings
from django.db import models


class Priority(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class Notification(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    type = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    message = models.CharField(max_length=1000)
    priority = models.CharField(max_length=8, choices=Priority)
    read = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True, blank=True)
    action_url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "notifications"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "read", "-created_at"])]

    def __str__(self) -> str:
        return self.title


class Preference(models.Model):
    """What a user chose for a type and a channel, where it is not the default (notifications.kinds)."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    type = models.CharField(max_length=32)
    channel = models.CharField(max_length=16)
    enabled = models.BooleanField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "notification_preferences"
        ordering = ["owner", "type", "channel"]
        constraints = [models.UniqueConstraint(fields=["owner", "type", "channel"], name="preference_once")]
