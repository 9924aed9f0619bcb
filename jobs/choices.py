"""What the form for a new job offers to train on, and what it says of a dataset that is chosen."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from datasets import selectors
from datasets.models import Dataset, DatasetStatus
from datasets.validation import lengths
from jobs import ids

MOST = 500  # a list beyond that is no choice; an older dataset is chosen on its own page
NAMED = 3
LEAST_HEIGHT = 3.0  # percent: a few examples are seen beside thousands
_LISTED = ("id", "name", "total_training_pairs", "total_tokens", "tokens_estimated", "created_at")


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram of lengths, in percent of the picture; y from above."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Facts:
    """A dataset's statistics. Lengths are in tokens, None where they were not kept; half of the examples have at most
    `middle`, 95 % at most `most`. `bars` reach from `first` to `last`, in log2 of the tokens."""

    dataset: Dataset
    middle: int | None = None
    most: int | None = None
    longest: int | None = None
    bars: tuple[Bar, ...] = ()
    first: float = 0
    last: float = 0

    @property
    def shortest(self) -> int:
        """Where the first bar begins."""
        return round(2**self.first)


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
    named = {pk for text in (wanted, also) if (pk := ids.parsed(text))}
    shown += ready.only(*_LISTED).filter(pk__in=named - {dataset.pk for dataset in shown})
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
        return Facts(dataset)
    octaves = kept.octaves()
    return Facts(
        dataset,
        middle=kept.quantile(0.5),
        most=kept.quantile(0.95),
        longest=kept.longest,
        bars=tuple(_bars([examples for _, examples in octaves])),
        first=octaves[0][0],
        last=octaves[-1][0] + lengths.BAR_OCTAVES,
    )


def _bars(examples: list[int]) -> Iterator[Bar]:
    width = 100 / len(examples)
    for place, number in enumerate(examples):
        if number:
            height = max(LEAST_HEIGHT, 100 * number / max(examples))
            yield Bar(round(place * width, 2), round(100 - height, 2), round(width * 0.88, 2), round(height, 2))
