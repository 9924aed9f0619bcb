"""What the form for a new job offers to train on, and what it says of a dataset that is chosen."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.models import User

from datasets import selectors
from datasets.models import Dataset, DatasetStatus
from datasets.validation import lengths

MOST = 500  # a list beyond that is no choice; an older dataset is chosen on its own page
NAMED = 3
_LISTED = ("id", "name", "total_training_pairs", "total_tokens", "tokens_estimated", "created_at")


@dataclass(frozen=True)
class Facts:
    """A dataset's statistics. Lengths are in tokens, None where they were not kept; half of the examples have at most
    `middle`, 95 % at most `most`."""

    dataset: Dataset
    middle: int | None
    most: int | None
    longest: int | None


@dataclass(frozen=True)
class Choices:
    """`ready` are the newest and the chosen one; `has_more` where some were left out. `coming` names
    datasets that may be ready soon, `coming_count` counts them all. `chosen` is the one that the form starts with,
    None where it is not there (any more)."""

    ready: list[Dataset]
    has_more: bool
    coming: list[Dataset]
    coming_count: int
    chosen: Facts | None


def offered(user: User, *, wanted: str, also: str = "", most: int = MOST) -> Choices:
    """The choices of a form that starts with the dataset of id `wanted`, or with the newest for "". `also`: of the
    validation dataset."""
    mine = selectors.visible_to(user).select_related(None)
    ready = mine.filter(training_ready=True)
    shown = list(ready.only(*_LISTED)[: most + 1])
    has_more = len(shown) > most
    shown = shown[:most]
    missing = {*_ids(wanted), *_ids(also)} - {dataset.pk for dataset in shown}
    shown += ready.only(*_LISTED).filter(pk__in=missing)
    first = wanted or (str(shown[0].pk) if shown else "")
    coming = mine.filter(status__in=(DatasetStatus.UPLOADING, DatasetStatus.VALIDATING))
    chosen = next((dataset for dataset in shown if str(dataset.pk) == first), None)
    return Choices(
        ready=shown,
        has_more=has_more,
        coming=list(coming.only("id", "name", "status", "validation_progress")[:NAMED]),
        coming_count=coming.count(),
        chosen=facts(ready.defer("sample").get(pk=chosen.pk)) if chosen else None,
    )


def facts(dataset: Dataset) -> Facts:
    """What is known of one dataset."""
    kept = lengths.read(dataset.token_lengths)
    if kept is None:
        return Facts(dataset, None, None, None)
    return Facts(dataset, kept.quantile(0.5), kept.quantile(0.95), kept.longest)


def _ids(text: str) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(text)]
    except ValueError:
        return []
