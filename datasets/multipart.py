"""A file that comes in parts, so that its upload can pause, lose its network, and go on after a reload.

What is stored is the storage's to say: it lists the parts. The row knows the upload's id and the size of its parts;
the size is written before the upload is begun, so that `abandon` finds at the file's path what a crash has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from datasets.exceptions import FieldInvalid, UploadFinished, UploadIncomplete
from datasets.models import Dataset, DatasetStatus
from datasets.storage import drop_unfinished, open_store
from datasets.storage.base import Part, UploadGone, UploadTicket
from datasets.storage.signing import sign_part

CONTENT_TYPE = "application/jsonl"
PART_BYTES = 8 * 1024**2  # S3 takes 5 MiB and more; what a lost connection costs at most
MAX_PARTS = 10_000  # of S3
NAMED = 100  # missing parts named in an error


@dataclass(frozen=True)
class Plan:
    """How a file of `size` bytes is cut: all parts have `part_size` bytes but the last one."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """Bytes of the part with that number, 1 to `count`."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


@dataclass(frozen=True)
class PartTicket:
    """How to send one part."""

    number: int
    size: int
    ticket: UploadTicket


def plan(dataset: Dataset) -> Plan:
    """How its file is cut, or would be: a part size that was once begun with stays."""
    return Plan(dataset.file_size, dataset.upload_part_size or _part_size(dataset.file_size))


def stored_parts(dataset: Dataset) -> tuple[Part, ...]:
    """The parts that have arrived as planned, by number; raises UploadFinished, StorageError.

    Where storage has given the upload up, there are none, and the next tickets begin a new one.
    """
    _assert_uploading(dataset)
    if not dataset.upload_id:
        return ()
    try:
        return _listed(dataset)
    except UploadGone:
        Dataset.objects.filter(pk=dataset.pk, upload_id=dataset.upload_id).update(upload_id="")
        dataset.upload_id = ""
        return ()


def sign_parts(dataset: Dataset, part_numbers: Sequence[int]) -> list[PartTicket]:
    """Tickets for these parts; begins the upload where there is none.

    Raises FieldInvalid, UploadFinished, StorageError.
    """
    _assert_uploading(dataset)
    cut = plan(dataset)
    if beyond := [number for number in part_numbers if not 1 <= number <= cut.count]:
        raise FieldInvalid("part_numbers", f"There is no part {beyond[0]}: the file has {cut.count}.")
    if not dataset.upload_id:
        _begin(dataset, cut)
    Dataset.objects.filter(pk=dataset.pk).update(upload_active_at=timezone.now())
    return [
        PartTicket(
            number,
            cut.size_of(number),
            sign_part(
                bucket=dataset.storage_bucket,
                path=dataset.storage_path,
                upload_id=dataset.upload_id,
                number=number,
                size=cut.size_of(number),
            ),
        )
        for number in part_numbers
    ]


def join(dataset: Dataset) -> None:
    """Make the file of its parts; raises UploadIncomplete, StorageError.

    Does nothing where no part has arrived or the upload is gone: what lies at the file's path tells the rest.
    """
    try:
        parts = _listed(dataset)
        if not parts:
            return
        arrived = {part.number for part in parts}
        missing = [number for number in range(1, plan(dataset).count + 1) if number not in arrived]
        if missing:
            raise UploadIncomplete(
                f"{len(missing)} of {plan(dataset).count} parts have not arrived in storage. Send them first: "
                f"POST /api/datasets/{dataset.pk}/parts.",
                missing=missing[:NAMED],
                missing_count=len(missing),
            )
        open_store().join_parts(
            bucket=dataset.storage_bucket, path=dataset.storage_path, upload_id=dataset.upload_id, parts=parts
        )
    except UploadGone:
        return


def abandon(dataset: Dataset) -> None:
    """Remove from storage what an upload in parts has left and forget it; raises StorageError."""
    drop_unfinished(bucket=dataset.storage_bucket, path=dataset.storage_path)
    Dataset.objects.filter(pk=dataset.pk).update(upload_id="", upload_part_size=None)


def _begin(dataset: Dataset, cut: Plan) -> None:
    waiting = Dataset.objects.filter(pk=dataset.pk, upload_id="", status=DatasetStatus.UPLOADING, deleted_at=None)
    waiting.update(upload_part_size=cut.part_size)
    store = open_store()
    begun = store.begin_parts(bucket=dataset.storage_bucket, path=dataset.storage_path, content_type=CONTENT_TYPE)
    if not waiting.update(upload_id=begun):  # another request was faster, or the dataset is gone
        store.drop_parts(bucket=dataset.storage_bucket, path=dataset.storage_path, upload_id=begun)
    dataset.refresh_from_db(fields=["upload_id", "upload_part_size", "status", "deleted_at"])
    _assert_uploading(dataset)


def _listed(dataset: Dataset) -> tuple[Part, ...]:
    """Those with the size that they must have; storage refuses others, but could hold them from another hand."""
    cut = plan(dataset)
    parts = open_store().list_parts(
        bucket=dataset.storage_bucket, path=dataset.storage_path, upload_id=dataset.upload_id
    )
    return tuple(part for part in parts if part.number <= cut.count and part.size == cut.size_of(part.number))


def _part_size(size: int) -> int:
    """At least PART_BYTES, in whole MiB, and so large that there are at most MAX_PARTS."""
    mebibyte = 1024**2
    return max(PART_BYTES, -(-size // (MAX_PARTS * mebibyte)) * mebibyte)


def _assert_uploading(dataset: Dataset) -> None:
    if dataset.status != DatasetStatus.UPLOADING or dataset.deleted_at:
        raise UploadFinished(
            f"This dataset waits for no upload: it is {dataset.status}. Create a new one for another file.",
            status=dataset.status,
        )
