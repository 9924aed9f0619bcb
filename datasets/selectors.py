"""Reads. `visible_to` alone decides whose datasets a user sees."""

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, QuerySet

from datasets.exceptions import DatasetNotFound
from datasets.models import (
    CorrectionStatus,
    Dataset,
    DatasetCorrection,
    DatasetReport,
    DatasetStatus,
    ImportGrant,
    StorageBucket,
)

LONG_FIELDS = ("validation_errors", "validation_warnings", "sample", "token_lengths")  # for those who show one dataset
OPEN_CORRECTIONS = (CorrectionStatus.WAITING, CorrectionStatus.RUNNING)
ORDERINGS = frozenset({"-created_at", "created_at", "name", "-file_size", "-total_training_pairs", "-jobs_count"})


def visible_to(user: User) -> "QuerySet[Dataset]":
    """The user's own datasets that are not deleted, newest first."""
    return Dataset.objects.filter(owner_id=user.pk, deleted_at=None).select_related("owner")


def dataset_list(
    user: User, *, search: str = "", status: str = "", ordering: str = "-created_at"
) -> "QuerySet[Dataset]":
    """Visible datasets without what is long, each with its `jobs_count`.

    `search` looks into name, file and description. `ordering` is one of ORDERINGS; those without the value come
    last.
    """
    found = visible_to(user).defer(*LONG_FIELDS).annotate(jobs_count=Count("training_jobs"))
    if status:
        found = found.filter(status=status)
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(file_name__icontains=search) | Q(description__icontains=search)
        )
    field = F(ordering.removeprefix("-"))
    order = field.desc(nulls_last=True) if ordering.startswith("-") else field.asc(nulls_last=True)
    return found.order_by(order, "-created_at", "id")


def jobs_count(dataset: Dataset) -> int:
    """How many jobs train on the dataset or have done so."""
    return visible_to(dataset.owner).filter(pk=dataset.pk).aggregate(count=Count("training_jobs"))["count"] or 0


def dataset_get(*, user: User, dataset_id: uuid.UUID | str) -> Dataset:
    """One visible dataset; raises DatasetNotFound, for another user's as for an unknown id."""
    dataset = visible_to(user).filter(pk=dataset_id).first()
    if dataset is None:
        raise DatasetNotFound
    return dataset


def import_prefixes(user: User) -> tuple[str, ...]:
    """Prefixes of training-files below which the user may import, sorted, none inside another.

    The default `{username}/`, and what the admin granted.
    """
    granted = ImportGrant.objects.filter(user_id=user.pk).values_list("prefix", flat=True)
    prefixes: list[str] = []
    for prefix in sorted({f"{user.get_username()}/", *granted}):
        if not prefixes or not prefix.startswith(prefixes[-1]):
            prefixes.append(prefix)
    return tuple(prefixes)


def datasets_on(user: User, paths: list[str]) -> dict[str, Dataset]:
    """Path in training-files → the newest of the user's datasets that was imported from there."""
    found = visible_to(user).filter(storage_bucket=StorageBucket.TRAINING_FILES, storage_path__in=paths)
    return {each.storage_path: each for each in found.defer(*LONG_FIELDS).order_by("created_at")}


def awaiting_validation(*, now: datetime, limit: int) -> list[uuid.UUID]:
    """Ids of datasets to be validated that no worker holds, the longest waiting first."""
    free = Q(lease_token=None) | Q(lease_expires_at__lt=now)
    waiting = Dataset.objects.filter(free, status=DatasetStatus.VALIDATING, deleted_at=None)
    return list(waiting.order_by("validation_started_at", "created_at").values_list("pk", flat=True)[:limit])


def correction_of(dataset: Dataset) -> DatasetCorrection | None:
    """The dataset's correction, if it is of the file that was validated last.

    One that failed does so again, until a validation finds what has changed: then it is past.
    """
    found = DatasetCorrection.objects.filter(dataset=dataset, source_etag=dataset.etag)
    if dataset.validated_at:
        found = found.exclude(status=CorrectionStatus.FAILED, created_at__lt=dataset.validated_at)
    return found.first()


def awaiting_correction(*, now: datetime, limit: int) -> list[uuid.UUID]:
    """Ids of datasets whose file is to be corrected and that no worker holds, the longest waiting first."""
    free = Q(lease_token=None) | Q(lease_expires_at__lt=now)
    open_ = DatasetCorrection.objects.filter(free, status__in=OPEN_CORRECTIONS, dataset__deleted_at=None)
    return list(open_.order_by("created_at").values_list("pk", flat=True)[:limit])


def abandoned_corrections(*, limit: int) -> "QuerySet[DatasetCorrection]":
    """Corrections of deleted datasets that were not saved as datasets of their own."""
    gone = DatasetCorrection.objects.filter(dataset__deleted_at__isnull=False, saved_as=None)
    return gone.order_by("created_at")[:limit]


def abandoned_reports(*, limit: int) -> "QuerySet[DatasetReport]":
    """Reports of deleted datasets that have a file in storage."""
    gone = DatasetReport.objects.filter(dataset__deleted_at__isnull=False).exclude(findings_etag="")
    return gone.select_related("dataset").only("dataset", "findings_etag").order_by("created_at")[:limit]


def abandoned_uploads(*, before: datetime, limit: int) -> "QuerySet[Dataset]":
    """Datasets still waiting for an upload that was announced and last worked on before that time, the oldest first."""
    resting = Q(upload_active_at=None) | Q(upload_active_at__lt=before)
    waiting = Dataset.objects.filter(resting, status=DatasetStatus.UPLOADING, deleted_at=None, created_at__lt=before)
    return waiting.order_by("created_at")[:limit]


def leftover_parts(*, limit: int) -> "QuerySet[Dataset]":
    """Datasets that wait for no upload any more, but whose upload in parts may have left some in storage."""
    over = ~Q(status=DatasetStatus.UPLOADING) | Q(deleted_at__isnull=False)
    return Dataset.objects.filter(over, upload_part_size__isnull=False).order_by("created_at")[:limit]
