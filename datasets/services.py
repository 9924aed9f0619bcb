"""What users do with datasets. Rows only change through lifecycle or here; nothing here enqueues tasks.

After `dataset_complete`, `dataset_import` and `dataset_revalidate` the caller nudges the validation; if that
is lost, the sweep finds the row.
"""

import logging
import unicodedata
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from datasets import lifecycle, multipart
from datasets.exceptions import (
    DatasetChanged,
    DatasetMissing,
    FieldInvalid,
    ImportNotFound,
    TooManyUploads,
    UploadFinished,
    UploadMissing,
    UploadSizeMismatch,
    ValidationRunning,
)
from datasets.models import Dataset, DatasetFormat, DatasetStatus, StorageBucket
from datasets.selectors import import_prefixes, visible_to
from datasets.storage import open_store
from datasets.storage.base import InvalidKey, ObjectInfo, ObjectMissing, StorageError, UploadTicket
from datasets.storage.keys import clean_key, clean_segment
from datasets.storage.signing import sign_upload

logger = logging.getLogger(__name__)

CONTENT_TYPE = multipart.CONTENT_TYPE
MAX_FILE_NAME = 200
MAX_WAITING_UPLOADS = 100  # announced by one user, but not complete


def dataset_create_upload(
    *,
    owner: User,
    name: str,
    file_name: str,
    file_size: int,
    description: str = "",
    format: str = "",
    fingerprint: str = "",
) -> tuple[Dataset, UploadTicket]:
    """A dataset that waits for its file, and the ticket to send it in one piece (in parts: see `multipart`).

    Raises FieldInvalid, TooManyUploads, StorageDenied. `format` is what the owner takes it for, until the validation
    finds out; `fingerprint` is the client's, for its own use.
    The object's key is `{owner's id}/{dataset's id}/{file_name}`: ids never change and hide nothing.
    """
    if format and format not in DatasetFormat.values:
        raise FieldInvalid("format", f"Unknown format “{format}”. Known: {', '.join(DatasetFormat.values)}.")
    _check_size(file_size)
    if visible_to(owner).filter(status=DatasetStatus.UPLOADING).count() >= MAX_WAITING_UPLOADS:
        raise TooManyUploads(
            f"{MAX_WAITING_UPLOADS} of your datasets wait for their files. Upload those, or delete some of them.",
            limit=MAX_WAITING_UPLOADS,
        )
    dataset = Dataset(
        owner=owner,
        name=name,
        description=description,
        format=format,
        storage_bucket=StorageBucket.LORA_DATASETS,
        file_name=_clean_file_name(file_name),
        file_size=file_size,
        upload_fingerprint=fingerprint,
    )
    dataset.storage_path = f"{owner.pk}/{dataset.pk}/{dataset.file_name}"
    ticket = _ticket(dataset)
    dataset.save(force_insert=True)
    return dataset, ticket


def dataset_renew_ticket(*, dataset: Dataset) -> UploadTicket:
    """A fresh ticket for an upload that expired or failed; raises UploadFinished, StorageDenied."""
    if dataset.status != DatasetStatus.UPLOADING:
        raise UploadFinished(
            f"This dataset waits for no upload: it is {dataset.status}. Create a new one for another file.",
            status=dataset.status,
        )
    return _ticket(dataset)


def dataset_complete(*, dataset: Dataset, actor: str) -> Dataset:
    """The file was sent: verify it and let the validation begin. Again is harmless.

    Raises UploadMissing, UploadIncomplete, UploadSizeMismatch (the upload can go on or be repeated), StorageError.
    """
    if dataset.status != DatasetStatus.UPLOADING:
        return dataset
    if dataset.upload_id:
        multipart.join(dataset)
    try:
        found = open_store().head(bucket=dataset.storage_bucket, path=dataset.storage_path)
    except ObjectMissing:
        raise UploadMissing(
            "The file has not arrived in storage. Upload it with the ticket first; a new ticket: "
            f"POST /api/datasets/{dataset.pk}/ticket."
        ) from None
    if found.size != dataset.file_size:
        raise UploadSizeMismatch(
            f"{found.size} bytes arrived in storage, but {dataset.file_size} were announced. Upload it again.",
            expected=dataset.file_size,
            actual=found.size,
        )
    lifecycle.transition(
        dataset,
        DatasetStatus.VALIDATING,
        kind="uploaded",
        message=f"{dataset.file_name} was uploaded ({found.size} bytes).",
        actor=actor,
        etag=found.etag,
    )
    dataset.refresh_from_db()
    return dataset


def dataset_import(*, owner: User, path: str, name: str = "", description: str = "") -> Dataset:
    """A dataset on an object of training-files, used in place; raises FieldInvalid, ImportNotFound, StorageError.

    Allowed below the user's import prefixes. What exists elsewhere is not revealed.
    """
    try:
        clean_key(path)
    except InvalidKey as error:
        raise FieldInvalid("path", error.message) from error
    found = _importable(owner, path)
    if not found.size:
        raise FieldInvalid("path", "The file is empty.")
    file_name = PurePosixPath(path).name
    with transaction.atomic():
        dataset = Dataset.objects.create(
            owner=owner,
            name=name or PurePosixPath(path).stem[:200],
            description=description,
            status=DatasetStatus.VALIDATING,
            storage_bucket=StorageBucket.TRAINING_FILES,
            storage_path=path,
            file_name=file_name[-255:],
            file_size=found.size,
            etag=found.etag,
        )
        message = f"{path} was imported from {StorageBucket.TRAINING_FILES}."
        lifecycle.record(dataset, "imported", message, actor=f"user:{owner.get_username()}")
    return dataset


def dataset_revalidate(*, dataset: Dataset, actor: str) -> Dataset:
    """Validate a ready or faulty dataset again, as it lies in storage now; raises ValidationRunning."""
    started = dataset.status in (DatasetStatus.READY, DatasetStatus.ERROR) and lifecycle.transition(
        dataset,
        DatasetStatus.VALIDATING,
        kind="validating",
        message="It is being validated again.",
        actor=actor,
        training_ready=False,
        validation_progress=0,
        validation_started_at=None,
    )
    if not started:
        raise ValidationRunning(
            f"The dataset is {dataset.status}: it can be validated again when it is ready or has errors.",
            status=dataset.status,
        )
    return dataset


def dataset_update(*, dataset: Dataset, name: str | None = None, description: str | None = None) -> Dataset:
    """Change what the owner calls it; what is not given stays."""
    if name is not None:
        dataset.name = name
    if description is not None:
        dataset.description = description
    dataset.save(update_fields=["name", "description", "updated_at"])
    return dataset


def dataset_delete(*, dataset: Dataset, actor: str) -> None:
    """Hide the dataset from its owner. Its file stays, since jobs may be training on it; parts of one do not."""
    now = timezone.now()
    with transaction.atomic():
        if Dataset.objects.filter(pk=dataset.pk, deleted_at=None).update(deleted_at=now, updated_at=now):
            lifecycle.record(dataset, "deleted", f"{dataset.name} was deleted.", actor=actor)
    if dataset.upload_part_size is not None:
        try:
            multipart.abandon(dataset)
        except StorageError as error:
            logger.warning("Parts of dataset %s stay until the sweep: %s", dataset.short_id, error)


def dataset_verify_unchanged(dataset: Dataset) -> None:
    """Whether the file is still the one that was validated; asked before a job is handed to a cluster.

    Raises DatasetMissing or DatasetChanged (permanent), StorageError (`permanent` says whether to try again).
    """
    try:
        found = open_store().head(bucket=dataset.storage_bucket, path=dataset.storage_path)
    except ObjectMissing:
        raise DatasetMissing(
            f"The file of the dataset “{dataset.name}” is no longer in {dataset.storage_bucket}. Restore it, "
            "or train on another dataset."
        ) from None
    if found.etag != dataset.etag:
        raise DatasetChanged(
            f"The file of the dataset “{dataset.name}” has changed in {dataset.storage_bucket} since it was "
            "validated. Validate the dataset again, then start the job anew."
        )


def _importable(owner: User, path: str) -> ObjectInfo:
    prefixes = import_prefixes(owner)
    if path.startswith(prefixes):
        try:
            return open_store().head(bucket=StorageBucket.TRAINING_FILES, path=path)
        except ObjectMissing:
            pass
    raise ImportNotFound(
        f"There is no file {path} that you may import. You may import below: {', '.join(prefixes)}",
        prefixes=list(prefixes),
    )


def _ticket(dataset: Dataset) -> UploadTicket:
    return sign_upload(
        bucket=dataset.storage_bucket,
        path=dataset.storage_path,
        size=dataset.file_size,
        content_type=CONTENT_TYPE,
    )


def _clean_file_name(file_name: str) -> str:
    # macOS sends names in decomposed form: the same name, so it is composed and not refused.
    composed = unicodedata.normalize("NFKC", file_name)
    if len(composed) > MAX_FILE_NAME:
        raise FieldInvalid("file_name", f"The name has more than {MAX_FILE_NAME} characters.")
    try:
        return clean_segment(composed)
    except InvalidKey as error:
        raise FieldInvalid("file_name", error.message) from error


def _check_size(size: int) -> None:
    if size < 1:
        raise FieldInvalid("file_size", "The file is empty.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = f"{settings.UPLOAD_MAX_BYTES / 1024**3:.3g} GiB ({settings.UPLOAD_MAX_BYTES} bytes)"
        advice = "Import larger files from training-files."
        raise FieldInvalid("file_size", f"The file has {size} bytes; at most {limit} are allowed. {advice}")
