"""How a run goes: what is held out, rows, steps, passes and evaluations, as the trainer will count them. Pure.

held out    round(examples x validation_split), at least one; a validation file of its own holds out nothing
rows        examples, or with packing the tokens of one pass / max_length
steps       micro = ceil(rows / (batch x GPUs)); per epoch = max(1, ceil(micro / accumulated batches));
            total = ceil(epochs x per epoch), or max_steps where it is set
evaluated   every eval_steps; 0: about ten times a run, at least once per epoch, never more often than 5 steps;
            and once before the first step
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AUTOMATIC_EVALUATIONS = 10
LEAST_STEPS_BETWEEN = 5


@dataclass(frozen=True)
class Schedule:
    """`rows` are the lines of one epoch's batches. `steps` is where the run ends. `passes` is how often the training
    examples are seen, and `evaluations` how often the held-out ones, from `start_step` on: a resumed run has done
    the steps up to there before."""

    training_examples: int
    validation_examples: int
    rows: int
    steps_per_epoch: int
    steps: int
    start_step: int
    passes: float
    evaluations: int

    def evaluation_work(self, tokens_per_example: float) -> float:
        """All evaluations in tokens of training: a forward pass alone, a third of the work."""
        return self.evaluations * self.validation_examples * tokens_per_example / 3


def planned(
    *,
    examples: int,
    gpu_count: int,
    hyperparameters: Mapping[str, Any],
    own_validation: int | None = None,
    row_tokens: int = 0,
    start_step: int = 0,
) -> Schedule:
    """The schedule of a run on `examples`.

    `own_validation`: examples of a validation file, None without one. `row_tokens`: tokens of one pass over all
    examples, for packing. `start_step`: of a resumed run. Settings that an older job does not have are as if they
    did not exist.
    """
    held_out = 0
    split = float(hyperparameters.get("validation_split", 0))
    if own_validation is None and split and examples:
        held_out = min(examples - 1, max(1, round(examples * split)))
    training = examples - held_out
    rows = training
    if hyperparameters.get("packing") and row_tokens:
        rows = min(training, math.ceil(row_tokens * training / examples / hyperparameters["max_length"]))
    micro = math.ceil(rows / (hyperparameters["batch_size"] * gpu_count))
    per_epoch = max(1, math.ceil(micro / hyperparameters.get("gradient_accumulation_steps", 1)))
    by_epochs = math.ceil(hyperparameters["epochs"] * per_epoch)
    steps = int(hyperparameters.get("max_steps") or by_epochs)
    left = max(0, steps - start_step)
    passes = steps / per_epoch if hyperparameters.get("max_steps") else float(hyperparameters["epochs"])
    validation = held_out if own_validation is None else own_validation
    return Schedule(
        training_examples=training,
        validation_examples=validation,
        rows=rows,
        steps_per_epoch=per_epoch,
        steps=steps,
        start_step=start_step,
        passes=passes * left / max(1, steps),
        evaluations=_evaluations(steps, left, per_epoch, hyperparameters.get("eval_steps", 0)) if validation else 0,
    )


def _evaluations(steps: int, left: int, per_epoch: int, eval_steps: int) -> int:
    between = eval_steps or max(LEAST_STEPS_BETWEEN, min(per_epoch, math.ceil(steps / AUTOMATIC_EVALUATIONS)))
    return (left == steps) + math.ceil(left / between)
