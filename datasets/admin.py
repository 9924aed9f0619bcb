"""Operators see every dataset and its events, validate again, and grant prefixes of training-files."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.callers import caller
from datasets import services
from datasets.exceptions import ValidationRunning
from datasets.models import Dataset, DatasetEvent, ImportGrant
from datasets.storage.base import InvalidKey
from datasets.storage.keys import clean_prefix
from datasets.tasks import nudge_validation


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Rows change through services only, so that every change has its event."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(ReadOnly):
    list_display = ["name", "owner", "status", "storage_bucket", "file_size", "total_training_pairs", "created_at"]
    list_filter = [
        "status",
        "storage_bucket",
        "training_ready",
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    list_select_related = ["owner"]
    search_fields = ["id", "name", "owner__username", "storage_path"]
    date_hierarchy = "created_at"
    actions = ["validate_again"]

    @admin.action(description="Validate again", permissions=["view"])
    def validate_again(self, request: HttpRequest, queryset: "QuerySet[Dataset]") -> None:
        """Restarts the validation of the chosen datasets, and says which of them cannot be."""
        started = 0
        for dataset in queryset.filter(deleted_at=None):
            try:
                services.dataset_revalidate(dataset=dataset, actor=f"user:{caller(request).get_username()}")
            except ValidationRunning as error:
                self.message_user(request, f"{dataset.name}: {error.message}", messages.WARNING)
                continue
            nudge_validation(dataset.pk)
            started += 1
        if started:
            self.message_user(request, f"{started} to be validated again.", messages.SUCCESS)


@admin.register(DatasetEvent)
class DatasetEventAdmin(ReadOnly):
    list_display = ["created_at", "dataset", "kind", "message", "actor", "owner"]
    list_filter = ["kind", "created_at"]
    list_select_related = ["dataset", "owner"]
    search_fields = ["dataset__id", "dataset__name", "owner__username", "message"]


class ImportGrantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = ImportGrant
        fields = ["user", "prefix"]

    def clean_prefix(self) -> str:
        try:
            return clean_prefix(self.cleaned_data["prefix"])
        except InvalidKey as error:
            raise ValidationError(error.message) from error


@admin.register(ImportGrant)
class ImportGrantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ImportGrantForm
    list_display = ["user", "prefix", "created_at"]
    list_filter = ["user"]
    list_select_related = ["user"]
    search_fields = ["user__username", "prefix"]
    autocomplete_fields = ["user"]
