"""All findings of a validation, where they are more than the report's row keeps: JSON lines in storage, compressed.

They lie at one path for each dataset, and each validation replaces them; the row names the ETag, so that nobody reads
those of another validation.
"""

import gzip
import json
import logging
import zlib
from collections.abc import Generator, Iterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Self, cast

from datasets.exceptions import ReportGone
from datasets.models import Dataset, DatasetReport, StorageBucket
from datasets.selectors import abandoned_reports
from datasets.storage import drop_unfinished, open_store
from datasets.storage.base import ObjectChanged, ObjectInfo, ObjectMissing, StorageError
from datasets.validation import Problem

logger = logging.getLogger(__name__)

COLUMNS = ("severity", "line", "field", "error", "suggestion", "kind", "text")
MOST = 250_000  # findings
_IN_MEMORY = 1024**2  # bytes, compressed; what is more lies on the worker's disk
_CHUNK = 32 * 1024
_GZIP = 31  # for zlib: with gzip's header
_CONTENT_TYPE = "application/gzip"


class Collector:
    """Takes the findings while a file is read; give `add` to the Validator."""

    def __init__(self) -> None:
        self.count = 0
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the collector
        self._packed = gzip.GzipFile(fileobj=cast("IO[bytes]", self._file), mode="wb", compresslevel=3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._packed.close()
        self._file.close()

    def add(self, is_error: bool, problem: Problem) -> None:
        if self.count < MOST:
            self._packed.write(
                json.dumps(row("error" if is_error else "warning", problem.as_full_json())).encode() + b"\n"
            )
            self.count += 1

    def store(self, dataset: Dataset) -> ObjectInfo:
        """Put them into storage; once, at the end. Raises StorageError."""
        self._packed.close()
        self._file.seek(0)
        body = cast("IO[bytes]", self._file)
        bucket, path = StorageBucket.LORA_DATASETS, _path(dataset)
        drop_unfinished(bucket=bucket, path=path)  # of a worker that died, or whose storage did
        return open_store().put(bucket=bucket, path=path, body=body, content_type=_CONTENT_TYPE)


def row(severity: str, finding: dict[str, Any]) -> dict[str, Any]:
    """A finding as files have it, flat: COLUMNS, with the text around the place as `text`."""
    excerpt = finding.get("excerpt") or {}
    flat = {column: finding.get(column) for column in COLUMNS}
    text = "".join(excerpt.get(part, "") for part in ("before", "mark", "after"))
    return {**flat, "severity": severity, "kind": finding.get("kind", ""), "text": text}


def stored_rows(dataset: Dataset, report: DatasetReport) -> Iterator[dict[str, Any]]:
    """The rows that `Collector.store` wrote, read as they are taken; raises ReportGone, StorageError, at once."""
    rows = _rows(dataset, report.findings_etag)
    try:
        first = next(rows)
    except (ObjectMissing, ObjectChanged) as error:
        raise ReportGone("The whole report is no longer in storage. Validate the dataset again to get it.") from error
    return _again(first, rows)


def forget(dataset: Dataset) -> None:
    """Remove the file of an earlier validation; should storage be away, it stays where it is."""
    report = DatasetReport.objects.filter(dataset=dataset).exclude(findings_etag="").only("findings_etag").first()
    if report is None:
        return
    try:
        open_store().delete(bucket=StorageBucket.LORA_DATASETS, path=_path(dataset))
    except StorageError as error:
        logger.warning("The report of dataset %s stays in storage: %s", dataset.short_id, error)
        return
    DatasetReport.objects.filter(dataset=dataset).update(findings_etag="", findings_count=0)


def clear_reports(*, limit: int) -> None:
    """Remove those of datasets that were deleted."""
    for report in abandoned_reports(limit=limit):
        forget(report.dataset)


def _rows(dataset: Dataset, etag: str) -> Generator[dict[str, Any], None, None]:
    unpack, rest = zlib.decompressobj(_GZIP), b""
    # Small chunks: what is as alike as findings are gets many times larger.
    for chunk in open_store().stream(
        bucket=StorageBucket.LORA_DATASETS, path=_path(dataset), etag=etag, chunk_bytes=_CHUNK
    ):
        *lines, rest = (rest + unpack.decompress(chunk)).split(b"\n")
        yield from map(json.loads, lines)


def _again(first: dict[str, Any], rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from rows


def _path(dataset: Dataset) -> str:
    return f"{dataset.owner_id}/{dataset.pk}/report/findings.jsonl.gz"
