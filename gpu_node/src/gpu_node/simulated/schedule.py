"""When a run steps, evaluates and saves: the trainer's own rules, from the sizes of the data. Pure.

held out    round(lines x validation_split), at least one; a validation file of its own holds out nothing
rows        lines, or with packing their tokens / max_length
steps       micro = ceil(rows / (batch x GPUs)); per epoch = max(1, ceil(micro / accumulation));
            total = ceil(epochs x per epoch), or max_steps where it is set
evaluated   every eval_steps; 0: about ten times a run, at least once per epoch, never more often than
            5 steps; and once before the first step
saved       every save_steps; 0: about five times a run, at least every 200 steps, after an evaluation where
            that is possible
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpu_node.executor import RunOrder

BYTES_PER_TOKEN = 4
MOST_POINTS = 2000
EVALUATIONS = 10
CHECKPOINTS = 5
LEAST_BETWEEN_EVALUATIONS = 5
MOST_BETWEEN_CHECKPOINTS = 200


@dataclass(frozen=True)
class Schedule:
    """All in optimizer steps. `validation_examples` is 0 where nothing is ever evaluated."""

    validation_examples: int
    rows: int
    steps_per_epoch: int
    total_steps: int
    warmup_steps: int
    log_every: int
    eval_every: int
    save_every: int


def make_schedule(order: RunOrder) -> Schedule:
    """The schedule of an order; what its hyperparameters leave out has the trainer's default."""
    chosen = order.hyperparameters
    lines = max(1, order.inputs.lines)
    held_out = _held_out(lines, number(chosen, "validation_split", 0.1)) if order.validation is None else 0
    rows = training = lines - held_out
    if chosen.get("packing"):
        tokens = order.inputs.bytes / BYTES_PER_TOKEN * training / lines
        rows = max(1, min(training, math.ceil(tokens / number(chosen, "max_length", 2048))))
    micro = math.ceil(rows / (number(chosen, "batch_size", 4) * order.gpu_count))
    per_epoch = max(1, math.ceil(micro / number(chosen, "gradient_accumulation_steps", 1)))
    by_epochs = max(1, math.ceil(number(chosen, "epochs", 3) * per_epoch))
    total = int(number(chosen, "max_steps", 0)) or by_epochs
    automatic = max(LEAST_BETWEEN_EVALUATIONS, min(math.ceil(total / EVALUATIONS), per_epoch))
    eval_every = int(number(chosen, "eval_steps", 0)) or automatic
    return Schedule(
        validation_examples=held_out if order.validation is None else order.validation.lines,
        rows=rows,
        steps_per_epoch=per_epoch,
        total_steps=total,
        warmup_steps=max(1, math.ceil(number(chosen, "warmup_ratio", 0.03) * total)),
        log_every=int(number(chosen, "logging_steps", math.ceil(total / MOST_POINTS))),
        eval_every=eval_every,
        save_every=int(number(chosen, "save_steps", 0)) or _between_checkpoints(total, eval_every),
    )


def number(chosen: Mapping[str, Any], name: str, default: float) -> float:
    """A hyperparameter, or its default where the order leaves it out."""
    value = chosen.get(name)
    return default if value is None else float(value)


def _held_out(lines: int, share: float) -> int:
    return min(lines - 1, max(1, round(lines * share))) if share else 0


def _between_checkpoints(total: int, eval_every: int) -> int:
    """A multiple of the steps between evaluations, where that is not too rare."""
    wanted = min(MOST_BETWEEN_CHECKPOINTS, math.ceil(total / CHECKPOINTS))
    if eval_every > MOST_BETWEEN_CHECKPOINTS:
        return wanted
    rounded = eval_every * math.ceil(wanted / eval_every)
    return rounded if rounded <= MOST_BETWEEN_CHECKPOINTS else rounded - eval_every
