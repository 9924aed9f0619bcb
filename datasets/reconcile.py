"""What the system does with datasets: validate them, and find those that were left lying.

Messages may be lost or come five times, and workers may die at any line: the row's lease decides who works,
and `sweep` finds what nobody works on.
"""

import logging
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from datasets import lifecycle, multipart, services
from datasets.correcting import clear_corrections
from datasets.exceptions import UploadMissing, UploadSizeMismatch
from datasets.full_report import Collector, clear_reports, forget
from datasets.models import Dataset, DatasetReport, DatasetStatus
from datasets.selectors import abandoned_uploads, awaiting_correction, awaiting_validation, leftover_parts
from datasets.storage import open_store
from datasets.storage.base import ObjectChanged, ObjectInfo, ObjectMissing, StorageError
from datasets.validation import Problem, Report, Validator

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 2
RETRY_AFTER_S = 60
UPLOAD_PATIENCE = timedelta(days=1)
SWEEP_LIMIT = 100  # things that storage is asked about
RESTART_LIMIT = 1000  # messages: about what one worker can do with small files until the next sweep


class LeaseLost(Exception):
    """Another worker took over, or the dataset was deleted: write nothing."""


@dataclass(frozen=True)
class Swept:
    """`to_validate`, `to_correct`: ids that wait for a worker. `events`: whether events were written."""

    to_validate: list[uuid.UUID]
    events: bool
    to_correct: list[uuid.UUID]


def dataset_validate(*, dataset_id: uuid.UUID | str) -> bool:
    """Validate one dataset if it waits for it and no other worker has it. True if it ended with an event."""
    lease = lifecycle.claim(dataset_id, now=timezone.now())
    if lease is None:
        return False
    dataset = Dataset.objects.select_related("owner").get(pk=dataset_id)
    logger.info("Validating dataset %s from bucket: %s", dataset.short_id, dataset.storage_bucket)
    try:
        with Collector() as collector:
            found, report = _inspect(dataset, lease, collector)
            everything = _keep_all(dataset, report, collector)
    except LeaseLost:
        logger.info("Dataset %s is no longer ours to validate", dataset.short_id)
        return False
    except ObjectChanged:
        _postpone(dataset, lease, "The file changed while it was being read; it is read again in a minute.")
        return False
    except ObjectMissing as error:
        return _finish_missing(dataset, lease, error)
    except StorageError as error:
        # Also where our key is refused: that is the operator's to mend, and no fault of this dataset.
        _postpone(dataset, lease, error.waiting)
        return False
    return _finish(dataset, lease, found, report, everything)


def sweep() -> Swept:
    """Find datasets that nobody validates; settle uploads that rest for a day, and clear what others have left."""
    now = timezone.now()
    events = False
    for dataset in abandoned_uploads(before=now - UPLOAD_PATIENCE, limit=SWEEP_LIMIT):
        try:
            events = _settle_upload(dataset) or events
        except StorageError as error:
            logger.warning("Cannot look for the upload of dataset %s: %s", dataset.short_id, error)
            break
    _clear_parts()
    clear_corrections(limit=SWEEP_LIMIT)
    clear_reports(limit=SWEEP_LIMIT)
    to_correct = awaiting_correction(now=now, limit=RESTART_LIMIT)
    return Swept(awaiting_validation(now=now, limit=RESTART_LIMIT), events, to_correct)


def _clear_parts() -> None:
    """Remove from storage what uploads in parts have left that ended otherwise."""
    for dataset in leftover_parts(limit=SWEEP_LIMIT):
        try:
            multipart.abandon(dataset)
        except StorageError as error:
            logger.warning("Cannot clear the parts of dataset %s: %s", dataset.short_id, error)
            break


def _inspect(dataset: Dataset, lease: uuid.UUID, collector: Collector) -> tuple[ObjectInfo, Report]:
    """Read the file once, pinned to its ETag, and look afterwards whether it is still the same."""
    store = open_store()
    bucket, path = dataset.storage_bucket, dataset.storage_path
    found = store.head(bucket=bucket, path=path)
    validator = Validator(tell=collector.add)
    read, saved_at = 0, time.monotonic()
    for chunk in store.stream(bucket=bucket, path=path, etag=found.etag):
        validator.feed(chunk)
        read += len(chunk)
        if validator.hopeless:
            break
        if time.monotonic() - saved_at >= PROGRESS_EVERY_S:
            progress = round(100 * read / max(found.size, 1), 1)
            now, lines = timezone.now(), validator.lines
            if not lifecycle.renew(dataset, lease, progress=progress, now=now, lines=lines, read=read):
                raise LeaseLost
            saved_at = time.monotonic()
    if store.head(bucket=bucket, path=path).etag != found.etag:
        raise ObjectChanged("The file changed while it was being read.")
    return found, validator.finish()


def _keep_all(dataset: Dataset, report: Report, collector: Collector) -> dict[str, Any]:
    """What the row says of the file of all findings, which there is where the row does not keep them all itself."""
    if collector.count <= len(report.errors) + len(report.warnings):
        forget(dataset)
        return {}
    return {"findings_etag": collector.store(dataset).etag, "findings_count": collector.count}


def _finish(dataset: Dataset, lease: uuid.UUID, found: ObjectInfo, report: Report, everything: dict[str, Any]) -> bool:
    complete = report.bytes == found.size
    if report.training_ready:
        status, kind = DatasetStatus.READY, "ready"
        message = f"{dataset.name} is ready: {report.training_pairs} examples."
    else:
        status, kind = DatasetStatus.ERROR, "error"
        message = f"{dataset.name} has {_count(report.error_count)}: {_first(report.errors)}"
    return _settle(
        dataset,
        lease,
        status,
        kind,
        message,
        training_ready=report.training_ready,
        format=report.format,
        etag=found.etag,
        file_size=found.size,
        sha256=report.sha256 if complete else "",
        total_training_pairs=report.training_pairs,
        total_validation_pairs=report.validation_pairs,
        total_tokens=report.tokens,
        tokens_estimated=True,
        avg_turns=report.avg_turns,
        avg_tokens=report.avg_tokens,
        token_lengths=report.lengths.as_json(),
        validation_errors=[problem.as_json() for problem in report.errors],
        validation_error_count=report.error_count,
        validation_warnings=[problem.as_json() for problem in report.warnings],
        validation_warning_count=report.warning_count,
        sample=list(report.sample),
        report=DatasetReport(
            dataset=dataset,
            owner_id=dataset.owner_id,
            lines=report.lines,
            error_kinds=dict(report.error_kinds),
            warning_kinds=dict(report.warning_kinds),
            errors=[problem.as_full_json() for problem in report.errors],
            warnings=[problem.as_full_json() for problem in report.warnings],
            examples=list(report.examples),
            places=dict(report.places),
            **everything,
        ),
    )


def _finish_missing(dataset: Dataset, lease: uuid.UUID, error: ObjectMissing) -> bool:
    forget(dataset)
    problem = Problem(None, "", error.message, "Put the file back and validate again, or create a new dataset.")
    return _settle(
        dataset,
        lease,
        DatasetStatus.ERROR,
        "error",
        f"{dataset.name} cannot be read: {error.message}",
        training_ready=False,
        validation_errors=[problem.as_json()],
        validation_error_count=1,
    )


def _settle(
    dataset: Dataset,
    lease: uuid.UUID,
    status: DatasetStatus,
    kind: str,
    message: str,
    *,
    report: DatasetReport | None = None,
    **changes: Any,
) -> bool:
    """End the validation, with its report: without one the report of an earlier validation goes."""
    with transaction.atomic():
        settled = lifecycle.transition(
            dataset,
            status,
            kind=kind,
            message=message,
            actor=lifecycle.SYSTEM,
            lease=lease,
            validated_at=timezone.now(),
            validation_progress=100,
            **changes,
        )
        if settled:
            DatasetReport.objects.filter(dataset=dataset).delete()
        if settled and report is not None:
            report.save(force_insert=True)
    if settled:
        logger.info("Dataset %s: %s", dataset.short_id, status)
    return settled


def _postpone(dataset: Dataset, lease: uuid.UUID, reason: str) -> None:
    logger.warning("Dataset %s waits: %s", dataset.short_id, reason)
    until = timezone.now() + timedelta(seconds=RETRY_AFTER_S)
    lifecycle.postpone(dataset, lease, reason=reason, until=until)


def _settle_upload(dataset: Dataset) -> bool:
    """An upload that nobody called complete: it may have arrived all the same. True if an event was written."""
    try:
        services.dataset_complete(dataset=dataset, actor=lifecycle.SYSTEM)
    except (UploadMissing, UploadSizeMismatch):
        problem = Problem(
            None, "", "The file was never uploaded completely.", "Create a new dataset and upload the file again."
        )
        return lifecycle.transition(
            dataset,
            DatasetStatus.ERROR,
            kind="error",
            message=f"{dataset.name} was never uploaded completely.",
            actor=lifecycle.SYSTEM,
            validation_errors=[problem.as_json()],
            validation_error_count=1,
        )
    return True


def _count(errors: int) -> str:
    return "1 error" if errors == 1 else f"{errors} errors"


def _first(problems: tuple[Problem, ...]) -> str:
    first = problems[0]
    return f"line {first.line}: {first.error}" if first.line else first.error
