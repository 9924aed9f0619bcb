"""Whether the validation losses of jobs can be compared: they can where they are measured on the same data.

The same file given to evaluate on, or the same share held out of the same file by the same seed (the trainer draws by
file, share and seed alone). A loss is a mean over tokens: another tokenizer, or a cut at another length, measures
another thing on the same data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.comparisons.made_from import MadeFrom
from jobs.templatetags import figures


@dataclass(frozen=True)
class Measure:
    """`data` identifies what is evaluated on, () for nothing; `words` say it."""

    data: tuple[Any, ...]
    words: str
    tokenizer: str
    max_length: int


def measure(made: MadeFrom) -> Measure:
    """On what a job's validation loss is measured."""
    job, settings = made.job, made.job.hyperparameters
    share, seed = settings.get("validation_split") or 0, settings.get("seed")
    data: tuple[Any, ...] = ()
    words = "nothing held out"
    if job.validation_dataset is not None:
        data = ("file", made.validation_sha256 or str(job.validation_dataset_id))
        words = f"the file of {job.validation_dataset.name}"
    elif share:
        data = ("held out", made.dataset_sha256 or str(job.dataset_id), share, seed)
        words = f"{100 * share:g}% of {job.dataset.name}, drawn by seed {seed}"
    model = job.base_model
    return Measure(data, words, model.tokenizer or model.location, int(settings.get("max_length") or 0))


def obstacle(measures: Sequence[Measure]) -> str:
    """Why the validation losses cannot be compared, in a sentence; "" where they can."""
    nothing = sum(1 for each in measures if not each.data)
    if nothing == len(measures):
        return "No validation loss is marked as the best: none of these jobs holds data out to measure one."
    if nothing:
        who = "one of these jobs holds" if nothing == 1 else f"{nothing} of these jobs hold"
        return f"No validation loss is marked as the best: {who} no data out to measure one."
    if len({each.data for each in measures}) > 1:
        found = list(dict.fromkeys(each.words for each in measures))
        if len(found) == 1:
            return (
                "No validation loss is marked as the best: the jobs had different versions of the same dataset, "
                f"so {found[0]} is not the same data."
            )
        return f"No validation loss is marked as the best: they are measured on different data: {_listed(found)}."
    if len({each.tokenizer for each in measures}) > 1:
        return (
            "No validation loss is marked as the best: the data is the same, but the base models cut it into "
            "different tokens, and a loss is a mean over tokens."
        )
    if len({each.max_length for each in measures}) > 1:
        lengths = sorted({each.max_length for each in measures})
        return (
            "No validation loss is marked as the best: the data is the same, but its examples are cut at different "
            f"lengths: {_listed([figures.count(length) for length in lengths])} tokens."
        )
    return ""


def _listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a; b and c"."""
    return words[0] if len(words) == 1 else f"{'; '.join(words[:-1])} and {words[-1]}"
