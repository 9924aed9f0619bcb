"""Rows for data that lies in the buckets: the dataset, its events (an outbox), and who may import what."""

import uuid

from django.conf import settings
from django.db import models

from datasets import validation
from datasets.validation import LABELS, Layout


class StorageBucket(models.TextChoices):
    """Logical bucket names; settings.S3_BUCKETS maps each to the real one."""

    LORA_DATASETS = "lora-datasets", "Uploaded by users"
    TRAINING_FILES = "training-files", "Imported from the team's data pipeline"


class DatasetStatus(models.TextChoices):
    UPLOADING = "uploading", "Uploading"
    VALIDATING = "validating", "Validating"
    READY = "ready", "Ready"
    ERROR = "error", "Error"


class DatasetFormat(models.TextChoices):
    """How the lines of a file are written."""

    CHAT = Layout.CHAT.value, LABELS[Layout.CHAT]
    PROMPT_COMPLETION = Layout.PROMPT_COMPLETION.value, LABELS[Layout.PROMPT_COMPLETION]
    SHAREGPT = Layout.SHAREGPT.value, LABELS[Layout.SHAREGPT]
    ALPACA = Layout.ALPACA.value, LABELS[Layout.ALPACA]
    MIXED = validation.MIXED, "several layouts"


class Dataset(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    format = models.CharField(
        max_length=32, choices=DatasetFormat, blank=True, help_text="found by the validation; empty: not known"
    )
    status = models.CharField(max_length=16, choices=DatasetStatus, default=DatasetStatus.UPLOADING)

    storage_bucket = models.CharField(max_length=32, choices=StorageBucket)
    storage_path = models.CharField(max_length=1024)
    file_name = models.CharField(max_length=255)
    file_size = models.BigIntegerField(default=0, help_text="bytes")
    etag = models.CharField(max_length=128, blank=True, help_text="of the object that was validated")
    sha256 = models.CharField(max_length=64, blank=True)

    upload_id = models.CharField(max_length=1024, blank=True, help_text="of the storage, while the file comes in parts")
    upload_part_size = models.BigIntegerField(
        null=True, blank=True, help_text="bytes; set before an upload in parts is begun, until nothing is left of it"
    )
    upload_active_at = models.DateTimeField(null=True, blank=True, help_text="when parts were last asked for")
    upload_fingerprint = models.CharField(
        max_length=100, blank=True, help_text="the client's own, to know the file again when the upload goes on"
    )

    total_training_pairs = models.BigIntegerField(null=True, blank=True)
    total_validation_pairs = models.BigIntegerField(null=True, blank=True)
    total_tokens = models.BigIntegerField(null=True, blank=True)
    tokens_estimated = models.BooleanField(default=True, help_text="bytes / 4, no tokenizer was at hand")
    avg_turns = models.FloatField(null=True, blank=True, help_text="messages per example")
    avg_tokens = models.FloatField(null=True, blank=True, help_text="tokens per example")

    token_lengths = models.JSONField(
        default=dict, help_text="histogram of the examples' lengths (datasets.validation.lengths); empty: not known"
    )

    training_ready = models.BooleanField(default=False)
    validated_at = models.DateTimeField(null=True, blank=True)
    validation_progress = models.FloatField(default=0, help_text="0-100, while validating")
    validated_lines = models.BigIntegerField(default=0, help_text="read so far, while validating")
    validated_bytes = models.BigIntegerField(default=0, help_text="read so far, while validating")
    validation_started_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, help_text="of the worker that validates it")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.CharField(max_length=500, blank=True, help_text="why nothing moves, for the user")
    validation_errors = models.JSONField(default=list, help_text="[{line, field, error, suggestion}], the first ones")
    validation_error_count = models.BigIntegerField(default=0)
    validation_warnings = models.JSONField(default=list, help_text="[{line, field, error, suggestion}], the first ones")
    validation_warning_count = models.BigIntegerField(default=0)
    sample = models.JSONField(default=list, help_text="the first examples")

    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "datasets"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"]), models.Index(fields=["status"])]

    def __str__(self) -> str:
        return self.name

    @property
    def short_id(self) -> str:
        """What the log calls it."""
        return str(self.pk)[:8]


class DatasetReport(models.Model):
    """What the last validation found, at length: apart from the dataset, which is read often, also by jobs."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, primary_key=True, related_name="report")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    lines = models.BigIntegerField(help_text="read, also empty ones")
    error_kinds = models.JSONField(default=dict, help_text="kind -> how many")
    warning_kinds = models.JSONField(default=dict, help_text="kind -> how many")
    errors = models.JSONField(default=list, help_text="[{line, field, error, …, excerpt}], the first ones")
    warnings = models.JSONField(default=list, help_text="likewise")
    examples = models.JSONField(default=list, help_text="[{line, tokens, messages, omitted}], the first ones")
    places = models.JSONField(
        default=dict, help_text="where examples are in the file (datasets.validation.places); empty: not known"
    )
    findings_count = models.BigIntegerField(default=0, help_text="in the file of all findings (datasets.full_report)")
    findings_etag = models.CharField(max_length=128, blank=True, help_text="of that file; empty: there is none")
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "dataset_reports"

    def __str__(self) -> str:
        return f"Report of {self.dataset_id}"


class CorrectionStatus(models.TextChoices):
    WAITING = "waiting", "Waits for a worker"
    RUNNING = "running", "Being written"
    DONE = "done", "Written"
    FAILED = "failed", "Not possible"


class DatasetCorrection(models.Model):
    """A corrected copy of a dataset's file, in lora-datasets: what a machine could put right, and what it left out."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, primary_key=True, related_name="correction")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=CorrectionStatus, default=CorrectionStatus.WAITING)
    source_etag = models.CharField(max_length=128, help_text="of the file that is corrected")
    storage_path = models.CharField(max_length=1024, help_text="in lora-datasets; another one for each correction")
    file_size = models.BigIntegerField(null=True, blank=True, help_text="bytes")
    etag = models.CharField(max_length=128, blank=True)
    progress = models.FloatField(default=0, help_text="0-100")
    summary = models.JSONField(default=dict, help_text="of datasets.validation.correction")
    message = models.CharField(max_length=500, blank=True, help_text="why it is not possible, or nothing moves")
    saved_as = models.ForeignKey(Dataset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "dataset_corrections"

    def __str__(self) -> str:
        return f"Correction of {self.dataset_id}"


class DatasetEvent(models.Model):
    """What happened to a dataset. Written with the change itself; notifications read it as an outbox."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="events")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32, help_text="uploaded, imported, corrected, validating, ready, error, deleted")
    message = models.CharField(max_length=500)
    detail = models.JSONField(default=dict)
    actor = models.CharField(max_length=150, help_text="user:NAME or system")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "dataset_events"
        ordering = ["id"]


class ImportGrant(models.Model):
    """A prefix of training-files that a user may import below, besides the default `{username}/`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="import_grants")
    prefix = models.CharField(max_length=512, help_text="such as team-a/ ; must end with /")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "import_grants"
        ordering = ["user", "prefix"]
        constraints = [models.UniqueConstraint(fields=["user", "prefix"], name="import_grant_once")]
