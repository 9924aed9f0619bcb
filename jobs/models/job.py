"""A training job, its attempts at a cluster, and its timeline."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jobs.states import TERMINAL, Stage, Status


class TrainingJob(models.Model):
    """One training job. `status` is written by jobs.lifecycle alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="training_jobs")
    name = models.CharField(max_length=200)
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.PROTECT, related_name="training_jobs")
    base_model = models.ForeignKey("jobs.BaseModel", on_delete=models.PROTECT, related_name="training_jobs")
    preset = models.CharField(max_length=32)
    hyperparameters = models.JSONField(help_text="complete: preset, then what the user set")
    gpu_config = models.JSONField(help_text="{type, count}")
    gpu_price_per_hour = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="frozen at creation; empty = no price",
    )
    validation_dataset = models.ForeignKey(
        "datasets.Dataset",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="evaluated on instead of a part of the dataset",
    )
    max_cost = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="the budget in dollars: the job is stopped before it costs more; empty = none",
    )
    sentinel = models.JSONField(default=dict, blank=True, help_text="{finding: off, notify or stop_and_keep}")
    estimate = models.JSONField(default=dict, help_text="as it was shown when the job was created")
    resume_from = models.ForeignKey(
        "jobs.Checkpoint",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="resumed_by",
        help_text="of an earlier job: training goes on there",
    )
    retry_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retries")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULLs are not unique
    request_sha256 = models.CharField(max_length=64, blank=True, help_text="of the request behind the key")

    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Status], default=Status.QUEUED.value)
    current_stage = models.CharField(max_length=64, default=Stage.QUEUED.value)
    stage_detail = models.CharField(max_length=300, blank=True, help_text="what the stage is busy with, in words")
    stage_progress = models.FloatField(null=True, blank=True, help_text="% of the stage; empty: not known")
    progress = models.FloatField(default=0)
    current_epoch = models.IntegerField(default=0)
    total_epochs = models.IntegerField(default=0)
    current_step = models.BigIntegerField(default=0)
    total_steps = models.BigIntegerField(default=0)
    current_metrics = models.JSONField(default=dict, help_text="the last known value of each metric")
    metrics_count = models.BigIntegerField(default=0, help_text="stored points")
    metrics_version = models.BigIntegerField(default=0, help_text="rises with each change of a stored point")
    loss_outline = models.JSONField(default=dict, blank=True, help_text="the loss curve in few numbers (jobs.outline)")
    warnings = models.JSONField(default=list, help_text="[{code, message}], each code once")
    simulated = models.BooleanField(default=False, help_text="the cluster says that this run is a simulation")

    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    estimated_completion_at = models.DateTimeField(null=True, blank=True)

    current_cost = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    estimated_total_cost = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    final_cost = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    cost_is_estimate = models.BooleanField(default=False, help_text="billable time by our own clock")

    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    error_detail = models.TextField(blank=True)
    waiting_for = models.CharField(max_length=500, blank=True, help_text="why nothing moves, for the user")

    # -- Where it runs
    cluster = models.CharField(max_length=64, default="default", help_text="key of settings.GPU_CLUSTERS")
    attempt = models.PositiveIntegerField(default=1)
    submission_key = models.CharField(max_length=64, blank=True, help_text="set before the cluster is called")
    external_job_id = models.CharField(max_length=200, blank=True)
    cluster_result = models.CharField(
        max_length=16, blank=True, help_text="how it ended there; set while its files are being brought home"
    )
    cluster_ended_at = models.DateTimeField(null=True, blank=True, help_text="when we saw that end")

    # -- Cancel
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=160, blank=True)
    cancel_sent_at = models.DateTimeField(null=True, blank=True)
    keep_adapter = models.BooleanField(default=False)
    stop_reason = models.CharField(
        max_length=64, blank=True, help_text="error code, where the system asked for the end"
    )
    stop_message = models.CharField(max_length=500, blank=True, help_text="the same in words")

    # -- When it is due, and who works on it
    next_attempt_at = models.DateTimeField(help_text="submit not before")
    next_poll_at = models.DateTimeField(help_text="poll, cancel or collect not before")
    submit_failures = models.PositiveIntegerField(default=0)
    poll_failures = models.PositiveIntegerField(default=0)
    missing_since = models.DateTimeField(null=True, blank=True, help_text="the cluster does not know the job since")
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "training_jobs"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="job_once_per_idempotency_key"),
            models.UniqueConstraint(
                fields=["cluster", "external_job_id"],
                condition=~Q(external_job_id=""),
                name="job_once_per_external_id",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["status", "next_poll_at"]),
            models.Index(fields=["status", "next_attempt_at"]),
            # The costs page reads ended jobs by time.
            models.Index(F("completed_at").desc(), name="job_completed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.short_id})"

    @property
    def short_id(self) -> str:
        """The first eight characters of the id, as logs show it."""
        return str(self.id)[:8]

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def has_learned(self) -> bool:
        """Whether stopping it now would leave something that it learned to keep."""
        return self.status == Status.RUNNING and self.current_step > 0 and not self.cluster_result


class SubmitOutcome(models.TextChoices):
    """What is known of a submission. `sending` after a crash means the same as `unknown`."""

    SENDING = "sending", "being sent"
    UNKNOWN = "unknown", "sent, no answer"
    NOT_SENT = "not_sent", "refused or never sent; nothing runs"
    ACCEPTED = "accepted", "accepted"


class JobAttempt(models.Model):
    """One try at the cluster: at most one paid cluster job each (number counts automatic resubmissions)."""

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="attempts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    cluster = models.CharField(max_length=64)
    submission_key = models.CharField(max_length=64, unique=True)
    request = models.JSONField(help_text="what the key stands for; frozen, so that a repeat is the same job")
    outcome = models.CharField(max_length=16, choices=SubmitOutcome, default=SubmitOutcome.SENDING)
    unconfirmed_since = models.DateTimeField(null=True, blank=True)
    external_job_id = models.CharField(max_length=200, blank=True)
    restart = models.PositiveIntegerField(default=0, help_text="the cluster's own resumptions")
    state_seq = models.BigIntegerField(default=0)

    sent_at = models.DateTimeField(help_text="our clock; when the cluster was last asked to start it")
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="our clock; when it said yes")
    first_seen_running_at = models.DateTimeField(null=True, blank=True, help_text="our clock")
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="our clock; last sign of life")
    started_at = models.DateTimeField(null=True, blank=True, help_text="the cluster's clock")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="the cluster's clock")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="the cluster's clock")
    billable_seconds = models.FloatField(default=0)
    billing_source = models.CharField(max_length=16, blank=True, help_text="cluster, timestamps or observed")
    billing_final = models.BooleanField(default=False)
    cost = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    end_reason = models.CharField(max_length=200, blank=True)
    resume_from = models.ForeignKey(
        "jobs.Checkpoint",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="where it began: of an earlier job, or of an earlier attempt of this one",
    )

    metrics_cursor = models.BigIntegerField(default=0, help_text="seq of the last point taken over")
    sentinel_state = models.JSONField(default=dict, help_text="what the sentinel remembers of the run")
    checkpoints_reported = models.PositiveIntegerField(
        default=0, help_text="how many the cluster says are in storage; more than our rows: fetch the list"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "job_attempts"
        ordering = ["job", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="attempt_once_per_job")]


class JobEvent(models.Model):
    """One line of a job's timeline, written in the transaction of the change. Notifications read it (outbox)."""

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="events")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=32, help_text="status, stage, submission, cancel, cost, artifact, warning")
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16, blank=True, help_text="set for kind=status alone")
    actor = models.CharField(max_length=160, help_text="user:NAME, system or cluster")
    message = models.CharField(max_length=500)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "job_events"
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "id"])]
