"""What users do with corrected files: ask for one, download it, make a dataset of it.

The original is never touched: a correction is another file, at a path of its own for each one that is asked for, so
that a dataset that was made of it keeps its file. After `correction_request` and `correction_save` the caller nudges.
"""

import uuid
from pathlib import PurePosixPath

from django.db import transaction

from datasets import lifecycle
from datasets.exceptions import NoCorrection, NotValidated
from datasets.models import CorrectionStatus, Dataset, DatasetCorrection, DatasetStatus, StorageBucket
from datasets.selectors import OPEN_CORRECTIONS, correction_of
from datasets.storage import drop_unfinished, open_store
from datasets.storage.base import SignedUrl
from datasets.storage.signing import sign_download


def correction_request(*, dataset: Dataset) -> DatasetCorrection:
    """Let a worker write the corrected file; again is harmless while it is being written.

    Raises NotValidated; StorageError where the file of the last one cannot be removed, which would be forgotten else.
    """
    if dataset.status not in (DatasetStatus.READY, DatasetStatus.ERROR) or not dataset.etag:
        raise NotValidated(
            f"The dataset is {dataset.status}: its file can be corrected once it has been validated.",
            status=dataset.status,
        )
    last = DatasetCorrection.objects.filter(dataset=dataset).first()
    if last and last.source_etag == dataset.etag and last.status in OPEN_CORRECTIONS:
        return last
    if last and _retire(last):
        remove_file(last)
    with transaction.atomic():
        existing = DatasetCorrection.objects.select_for_update().filter(dataset=dataset).first()
        if existing and (last is None or existing.storage_path != last.storage_path):
            return existing  # another request was faster
        if existing:
            existing.delete()
        return DatasetCorrection.objects.create(
            dataset=dataset,
            owner_id=dataset.owner_id,
            source_etag=dataset.etag,
            storage_path=f"{dataset.owner_id}/{dataset.pk}/corrected-{uuid.uuid4().hex}/{_file_name(dataset)}",
        )


def correction_download(*, dataset: Dataset) -> SignedUrl:
    """Where the corrected file can be fetched; raises NoCorrection, StorageDenied."""
    return sign_download(bucket=StorageBucket.LORA_DATASETS, path=_written(dataset).storage_path, as_attachment=True)


def correction_save(*, dataset: Dataset, actor: str) -> Dataset:
    """A new dataset of the corrected file, to be validated; again the same one. Raises NoCorrection."""
    with transaction.atomic():
        DatasetCorrection.objects.select_for_update().filter(dataset=dataset).first()
        correction = _written(dataset)
        if correction.saved_as is not None and correction.saved_as.deleted_at is None:
            return correction.saved_as
        saved = Dataset.objects.create(
            owner_id=dataset.owner_id,
            name=f"{dataset.name[:180]} (corrected)",
            description=dataset.description,
            status=DatasetStatus.VALIDATING,
            storage_bucket=StorageBucket.LORA_DATASETS,
            storage_path=correction.storage_path,
            file_name=_file_name(dataset),
            file_size=correction.file_size or 0,
            etag=correction.etag,
        )
        correction.saved_as = saved
        correction.save(update_fields=["saved_as"])
        message = f"{saved.file_name} is the corrected file of the dataset {dataset.name}."
        lifecycle.record(saved, "corrected", message, actor=actor, source=str(dataset.pk))
    return saved


def remove_file(correction: DatasetCorrection) -> None:
    """Remove a corrected file that nothing needs, also what there is of one in parts; raises StorageError."""
    bucket, path = StorageBucket.LORA_DATASETS, correction.storage_path
    drop_unfinished(bucket=bucket, path=path)
    open_store().delete(bucket=bucket, path=path)


def _retire(correction: DatasetCorrection) -> bool:
    """Let nobody save or fetch the file any more, since it will be removed; not where a dataset was made of it."""
    unsaved = DatasetCorrection.objects.filter(storage_path=correction.storage_path, saved_as=None)
    message = "It was given up for a new one: ask for that again."
    return bool(unsaved.update(status=CorrectionStatus.FAILED, message=message))


def _written(dataset: Dataset) -> DatasetCorrection:
    correction = correction_of(dataset)
    if correction is None or correction.status != CorrectionStatus.DONE or correction.file_size is None:
        raise NoCorrection(
            "There is no corrected file of this dataset as it is now. Ask for one: "
            f"POST /api/datasets/{dataset.pk}/correction."
        )
    return correction


def _file_name(dataset: Dataset) -> str:
    """chats.json → chats-corrected.jsonl"""
    return f"{PurePosixPath(dataset.file_name).stem[:180]}-corrected.jsonl"
