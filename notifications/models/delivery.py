"""The outbox: one row per event, channel and endpoint, and a log of the tries."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Delivery(models.Model):
    """That an event was handled for one channel and endpoint. Exactly one of the three events is set.

    Unhandled events are found by anti-join on these rows, never by a high-water mark: a transaction that
    commits late would be missed. The in-app row is made for every event, and with it, in one transaction, those
    of the other ways; they go out later (notifications.sending).
    """

    class State(models.TextChoices):
        DONE = "done", "delivered, or nothing to tell"
        PENDING = "pending", "to be tried (again)"
        FAILED = "failed", "given up"
        HELD = "held", "until the owner's last job ends"

    job_event = models.ForeignKey("jobs.JobEvent", on_delete=models.CASCADE, null=True, related_name="deliveries")
    dataset_event = models.ForeignKey(
        "datasets.DatasetEvent", on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    alert = models.ForeignKey("jobs.Alert", on_delete=models.CASCADE, null=True, related_name="deliveries")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=16)
    endpoint = models.CharField(max_length=200, blank=True, help_text="the webhook's id; empty: the owner's own")
    webhook = models.ForeignKey(
        "notifications.WebhookEndpoint", on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    notification = models.ForeignKey("notifications.Notification", on_delete=models.SET_NULL, null=True, blank=True)

    gathered_into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="the row that told of it"
    )

    # -- What goes over the wire: the same id and content at every try
    message_id = models.UUIDField(null=True, blank=True)
    payload = models.JSONField(null=True, blank=True, help_text="{type, timestamp, data}")

    # -- When it is due, and who sends it
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="not before; while it is being sent: when the sender is taken for dead"
    )
    claim = models.UUIDField(null=True, blank=True, help_text="who sends it right now")
    tries = models.PositiveIntegerField(default=0, help_text="since it was made or replayed")
    is_replay = models.BooleanField(default=False)

    # -- What came of it
    attempts_made = models.PositiveIntegerField(default=0)
    last_status_code = models.PositiveIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "notification_deliveries"
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(job_event__isnull=False, dataset_event__isnull=True, alert__isnull=True)
                | Q(job_event__isnull=True, dataset_event__isnull=False, alert__isnull=True)
                | Q(job_event__isnull=True, dataset_event__isnull=True, alert__isnull=False),
                name="delivery_of_one_event",
            ),
            models.UniqueConstraint(fields=["job_event", "channel", "endpoint"], name="delivery_once_job_event"),
            models.UniqueConstraint(
                fields=["dataset_event", "channel", "endpoint"], name="delivery_once_dataset_event"
            ),
            # An alert goes to every operator.
            models.UniqueConstraint(fields=["alert", "owner", "channel", "endpoint"], name="delivery_once_alert"),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_log"),
            models.Index(fields=["owner", "channel", "endpoint"], condition=Q(state="held"), name="delivery_held"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]


class DeliveryAttempt(models.Model):
    """One try, written before the call: what has neither status nor error was cut off, its outcome unknown."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    is_replay = models.BooleanField(default=False, help_text="asked for by hand")
    started_at = models.DateTimeField()
    seconds = models.FloatField(null=True, blank=True)
    status_code = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True, help_text="its beginning")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "delivery_attempts"
        ordering = ["delivery", "number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_once_per_delivery")]


class Horizon(models.Model):
    """One row: events before this moment are told to nobody any more, since what was delivered of them is forgotten.

    It only ever moves on (notifications.pruning), also where deliveries are kept for longer from some day on.
    """

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    before = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "delivery_horizon"
