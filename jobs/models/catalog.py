"""What operators keep: base models and GPU prices."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from jobs import locations, memory


class BaseModel(models.Model):
    """A model that jobs can start from."""

    class Source(models.TextChoices):
        FOLDER = "folder", "Folder on the GPU machines"
        S3 = "s3", "Prefix in S3 storage"
        HUB = "hub", "Hub id"
        PACKAGE = "package", "Python package that ships a GGUF file"

    name = models.CharField(max_length=200, unique=True, help_text="as users choose it and the cluster gets it")
    source = models.CharField(max_length=16, choices=Source, default=Source.HUB)
    location = models.CharField(max_length=1024, help_text="folder, s3://bucket/prefix, hub id, or name==version")
    parameters = models.BigIntegerField(help_text="number of weights, such as 8000000000")
    context_length = models.PositiveIntegerField(help_text="tokens")
    architecture = models.JSONField(
        default=dict,
        blank=True,
        help_text="{layers, hidden_size, intermediate_size, kv_size, vocab_size}; empty: memory is not estimated",
    )
    tokenizer = models.CharField(max_length=1024, blank=True, help_text="empty: the model's own")
    licence = models.CharField(max_length=100, blank=True)
    is_default = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True, help_text="offered for new jobs")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "base_models"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_model")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A wrong location would fail every job, half an architecture leave memory unjudged. Raises ValidationError."""
        problems = {}
        if self.architecture and memory.architecture(self.architecture) is None:
            names = ", ".join(memory.Architecture.__dataclass_fields__)
            problems["architecture"] = f"Give {names} as whole numbers, or nothing."
        try:
            if self.source == self.Source.S3:
                locations.in_storage(self.location)
            elif self.source == self.Source.PACKAGE:
                locations.check_package(self.location)
        except ValueError as error:
            problems["location"] = f"The location {error}."
        if problems:
            raise ValidationError(problems)


class GpuPrice(models.Model):
    """Price list, $ per GPU and hour. A job freezes its price at creation."""

    gpu_type = models.CharField(max_length=64, unique=True)
    price_per_hour = models.DecimalField(max_digits=10, decimal_places=4, help_text="US dollars per GPU and hour")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "gpu_prices"
        ordering = ["-price_per_hour"]
        verbose_name = "GPU price"

    def __str__(self) -> str:
        return self.gpu_type
