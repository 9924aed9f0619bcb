"""Celery tasks: an id in, one call to reconcile, the next nudge out."""

import uuid

from celery import shared_task

from datasets import correcting, reconcile
from datasets.nudges import nudge, nudge_events


@shared_task(name="datasets.validate_dataset")
def validate_dataset(dataset_id: str) -> None:
    """Validate one dataset; harmless when it comes twice or too late."""
    if reconcile.dataset_validate(dataset_id=dataset_id):
        nudge_events()


@shared_task(name="datasets.sweep")
def sweep() -> None:
    """Bring datasets back to work whose messages or workers were lost."""
    swept = reconcile.sweep()
    for dataset_id in swept.to_validate:
        nudge_validation(dataset_id)
    for dataset_id in swept.to_correct:
        nudge_correction(dataset_id)
    if swept.events:
        nudge_events()


@shared_task(name="datasets.correct_dataset")
def correct_dataset(dataset_id: str) -> None:
    """Write a dataset's corrected file; harmless when it comes twice or too late."""
    correcting.dataset_correct(dataset_id=uuid.UUID(dataset_id))


def nudge_correction(dataset_id: uuid.UUID) -> None:
    """Start the writing of a corrected file once the transaction has committed; never raises."""
    nudge(correct_dataset, str(dataset_id))


def nudge_validation(dataset_id: uuid.UUID) -> None:
    """Start a dataset's validation once the transaction has committed; never raises."""
    nudge(validate_dataset, str(dataset_id))
