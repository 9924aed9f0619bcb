"""The two data sets of a run: read, split, encoded, counted."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lora_trainer.data.encoding import Encoded, encode
from lora_trainer.data.layouts import Conversation
from lora_trainer.data.reading import Skipped, read_file
from lora_trainer.data.rendering import Renderer
from lora_trainer.errors import DatasetInvalid
from lora_trainer.job import Job

MOST_NAMED = 100  # skipped lines that the summary names


@dataclass(frozen=True)
class DataSets:
    """`validation` is empty when nothing is held out."""

    training: Encoded
    validation: Encoded
    skipped: tuple[Skipped, ...]

    @property
    def examples(self) -> dict[str, Any]:
        """As the summary and the plan have it."""
        both = (self.training, self.validation)
        return {
            "training": len(self.training.conversations),
            "validation": len(self.validation.conversations),
            "skipped": [asdict(each) for each in self.skipped[:MOST_NAMED]],
            "skipped_count": len(self.skipped),
            "truncated": sum(each.truncated for each in both),
            "without_loss": sum(each.without_loss for each in both),
        }

    @property
    def tokens(self) -> dict[str, int]:
        """Of one pass over the training data; lengths are those before the cut."""
        lengths = sorted(self.training.lengths)
        return {
            "dataset": self.training.tokens,
            "with_loss": self.training.learned,
            "lost_to_truncation": self.training.lost_tokens,
            "lost_loss_tokens": self.training.lost_learned_tokens,
            "longest": lengths[-1],
            "p50": _percentile(lengths, 50),
            "p95": _percentile(lengths, 95),
        }


def prepare_data(job: Job, tokenizer: Any) -> DataSets:
    """Raises DatasetInvalid when nothing is left to train on, saying where it went."""
    settings = job.hyperparameters
    renderer = Renderer(tokenizer)
    conversations, skipped = read_file("dataset", job.dataset.path)
    if job.validation is not None:
        held_out, more = read_file("validation", job.validation.path)
        skipped += more
    else:
        conversations, held_out = split(conversations, settings.validation_split, settings.seed)
    training = encode("dataset", conversations, tokenizer, renderer, settings.max_length)
    file = "dataset" if job.validation is None else "validation"
    validation = encode(file, held_out, tokenizer, renderer, settings.max_length)
    skipped = sorted([*skipped, *training.skipped, *validation.skipped], key=lambda each: (each.file, each.line))
    if not training.sequences:
        raise DatasetInvalid(_nothing_left(training, skipped, settings.max_length))
    return DataSets(training, validation, tuple(skipped))


def data_warnings(data: DataSets, max_length: int) -> Iterator[tuple[str, str]]:
    """(code, message) for everything that is not trained on as it was written."""
    if data.skipped:
        first = data.skipped[0]
        yield (
            "lines_skipped",
            f"{len(data.skipped)} unusable lines are left out; the first is line {first.line} of the "
            f"{first.file} file: {first.reason}.",
        )
    training = data.training
    if training.truncated:
        yield (
            "truncated",
            f"{training.truncated} examples are cut at max_length {max_length}: {training.lost_tokens} of "
            f"{sum(training.lengths)} tokens are lost, {training.lost_learned_tokens} of them with loss; the "
            f"longest example has {max(training.lengths)}.",
        )
    if training.without_loss:
        message = f"{training.without_loss} examples are left out: the cut takes their whole answer."
        yield "without_loss", message
    if training.unrolled:
        message = (
            f"The chat template rewrites earlier turns: {training.unrolled} conversations are trained with one "
            "sequence per answer."
        )
        yield "answers_apart", message
    if not data.validation.sequences:
        yield "no_validation", "Nothing is held out: there is no validation loss and there are no samples."


def split(
    conversations: Sequence[Conversation], share: float, seed: int
) -> tuple[list[Conversation], list[Conversation]]:
    """(training, held out): a share above 0 holds out at least one, and training keeps at least one. Both stay in
    the order of the file."""
    count = min(len(conversations) - 1, max(1, round(len(conversations) * share))) if share else 0
    chosen = set(random.Random(seed).sample(range(len(conversations)), count))  # noqa: S311 not a secret
    training = [each for index, each in enumerate(conversations) if index not in chosen]
    return training, [each for index, each in enumerate(conversations) if index in chosen]


def _percentile(ordered: Sequence[int], percent: int) -> int:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _nothing_left(training: Encoded, skipped: Sequence[Skipped], max_length: int) -> str:
    said = "No example is left to train on."
    if training.without_loss:
        said += (
            f" {training.without_loss} lose their whole answer at max_length {max_length}; the longest has "
            f"{max(training.lengths)} tokens: raise max_length or shorten the examples."
        )
    if skipped:
        said += f" {len(skipped)} lines are unusable; line {skipped[0].line}: {skipped[0].reason}."
    return said
