"""A worker's part in corrected files: read the original, pinned to its ETag, and write the other one as it is read.

Like validations they may be lost, come twice, and die at any line; the row's lease decides who works.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any, cast

from django.db.models import Q
from django.utils import timezone

from datasets.corrections import remove_file
from datasets.lifecycle import LEASE_SECONDS
from datasets.models import CorrectionStatus, Dataset, DatasetCorrection, StorageBucket
from datasets.selectors import OPEN_CORRECTIONS, abandoned_corrections
from datasets.storage import open_store
from datasets.storage.base import ObjectChanged, ObjectInfo, ObjectMissing, ObjectStore, StorageError
from datasets.validation import Corrector, Uncorrectable

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 2
RETRY_AFTER_S = 60


class LeaseLost(Exception):
    """Another worker took over, or the correction is no longer wanted: write nothing."""


def dataset_correct(*, dataset_id: uuid.UUID) -> None:
    """Write a dataset's corrected file, if it waits for it and no other worker does."""
    lease = _claim(dataset_id)
    if lease is None:
        return
    correction = DatasetCorrection.objects.select_related("dataset").get(pk=dataset_id)
    name = correction.dataset.short_id
    try:
        remove_file(correction)  # what a worker that died has left
        status, changes = _outcome(correction, lease)
        if "etag" not in changes:
            remove_file(correction)
    except LeaseLost:
        logger.info("The correction of dataset %s is no longer ours", name)
    except StorageError as error:
        logger.warning("The correction of dataset %s waits: %s", name, error)
        until = timezone.now() + timedelta(seconds=RETRY_AFTER_S)
        _held(correction, lease).update(lease_expires_at=until, message=error.waiting[:500])
    else:
        if _finish(correction, lease, status, **changes):
            logger.info("The correction of dataset %s: %s", name, status)


def clear_corrections(*, limit: int) -> None:
    """Remove corrected files of datasets that were deleted; should storage be away, they wait for the next time."""
    for correction in abandoned_corrections(limit=limit):
        try:
            remove_file(correction)
        except StorageError as error:
            logger.warning("The corrected file %s stays in storage: %s", correction.storage_path, error)
            break
        correction.delete()


def _outcome(correction: DatasetCorrection, lease: uuid.UUID) -> tuple[CorrectionStatus, dict[str, Any]]:
    """Write the file; how it ended, with an "etag" where there is one now. Raises LeaseLost, StorageError."""
    corrector = Corrector()
    try:
        written = _write(open_store(), correction, lease, corrector)
    except Uncorrectable as error:
        return CorrectionStatus.FAILED, {"message": str(error)}
    except ObjectChanged:
        message = "The file has changed since it was validated. Validate the dataset again, then ask once more."
        return CorrectionStatus.FAILED, {"message": message}
    except ObjectMissing:
        return CorrectionStatus.FAILED, {"message": _missing(correction.dataset)}
    summary = corrector.summary
    facts = {} if summary.is_same else {"file_size": written.size, "etag": written.etag}
    return CorrectionStatus.DONE, {"summary": summary.as_json(), **facts}


def _write(store: ObjectStore, correction: DatasetCorrection, lease: uuid.UUID, corrector: Corrector) -> ObjectInfo:
    pieces = _pieces(store, correction, lease, corrector)
    return store.put(
        bucket=StorageBucket.LORA_DATASETS,
        path=correction.storage_path,
        body=cast("IO[bytes]", _Pulled(pieces)),
        content_type="application/jsonl",
    )


def _pieces(
    store: ObjectStore, correction: DatasetCorrection, lease: uuid.UUID, corrector: Corrector
) -> Iterator[bytes]:
    """The corrected file, and the lease kept meanwhile."""
    dataset: Dataset = correction.dataset
    read, saved_at = 0, time.monotonic()
    source = store.stream(bucket=dataset.storage_bucket, path=dataset.storage_path, etag=correction.source_etag)
    for chunk in source:
        yield from corrector.feed(chunk)
        read += len(chunk)
        if time.monotonic() - saved_at >= PROGRESS_EVERY_S:
            progress = round(100 * read / max(dataset.file_size, 1), 1)
            until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
            if not _held(correction, lease).update(lease_expires_at=until, progress=progress, message=""):
                raise LeaseLost
            saved_at = time.monotonic()
    yield from corrector.finish()


class _Pulled:
    """A file to be read whose bytes are made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = bytearray()

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        size = len(self._rest) if size < 0 else size
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken


def _missing(dataset: Dataset) -> str:
    advice = "Upload it again as a new dataset."
    if dataset.storage_bucket == StorageBucket.TRAINING_FILES:
        advice = "Put it back there and validate the dataset again, or upload it as a new dataset."
    return f"The file is no longer in {dataset.storage_bucket}. {advice}"


def _claim(dataset_id: uuid.UUID) -> uuid.UUID | None:
    now, token = timezone.now(), uuid.uuid4()
    free = Q(lease_token=None) | Q(lease_expires_at__lt=now)
    waiting = DatasetCorrection.objects.filter(
        free, pk=dataset_id, status__in=OPEN_CORRECTIONS, dataset__deleted_at=None
    )
    until = now + timedelta(seconds=LEASE_SECONDS)
    taken = waiting.update(
        status=CorrectionStatus.RUNNING, lease_token=token, lease_expires_at=until, progress=0, message=""
    )
    return token if taken else None


def _held(correction: DatasetCorrection, lease: uuid.UUID) -> Any:
    return DatasetCorrection.objects.filter(
        pk=correction.pk, lease_token=lease, storage_path=correction.storage_path, dataset__deleted_at=None
    )


def _finish(correction: DatasetCorrection, lease: uuid.UUID, status: CorrectionStatus, **changes: Any) -> bool:
    changes = {"lease_token": None, "lease_expires_at": None, "progress": 100, "message": "", **changes}
    changes["message"] = changes["message"][:500]
    return bool(_held(correction, lease).update(status=status, **changes))
