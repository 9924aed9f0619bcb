"""Where a user's programs want to hear of events."""

import uuid

from django.conf import settings
from django.db import models


class WebhookEndpoint(models.Model):
    """A URL that gets signed messages. Its secret is made from `secret_salt` and SECRET_KEY, and stored nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(help_text="types of notifications")
    secret_salt = models.CharField(max_length=64)
    previous_salt = models.CharField(max_length=64, blank=True, help_text="of the secret before the last rotation")
    previous_until = models.DateTimeField(null=True, blank=True, help_text="that one signs as well until then")
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=300, blank=True, help_text="empty: its owner did it")
    last_success_at = models.DateTimeField(null=True, blank=True)
    busy_until = models.DateTimeField(
        null=True, blank=True, help_text="one call at a time; a slow failure keeps it waiting in proportion"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "webhook_endpoints"
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.url
