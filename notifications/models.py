"""What users are told: a notification, and one delivery row per event, channel and endpoint (an outbox)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


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


class Delivery(models.Model):
    """That an event was handled for one channel and endpoint. Exactly one of the two events is set.

    Undelivered events are found by anti-join on these rows, never by a high-water mark: a transaction that
    commits late would be missed.
    """

    class State(models.TextChoices):
        DONE = "done", "delivered, or nothing to tell"
        PENDING = "pending", "to be tried (again)"
        FAILED = "failed", "given up"

    job_event = models.ForeignKey("jobs.JobEvent", on_delete=models.CASCADE, null=True, related_name="deliveries")
    dataset_event = models.ForeignKey(
        "datasets.DatasetEvent", on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=16)
    endpoint = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    notification = models.ForeignKey(Notification, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "notification_deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(job_event__isnull=False, dataset_event__isnull=True)
                | Q(job_event__isnull=True, dataset_event__isnull=False),
                name="delivery_of_one_event",
            ),
            models.UniqueConstraint(fields=["job_event", "channel", "endpoint"], name="delivery_once_job_event"),
            models.UniqueConstraint(
                fields=["dataset_event", "channel", "endpoint"], name="delivery_once_dataset_event"
            ),
        ]
