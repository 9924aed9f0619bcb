"""When the run steps, evaluates, saves and ends. Pure."""

import math
from dataclasses import dataclass

from lora_trainer.hyperparameters import Hyperparameters

EVALUATIONS = 10
CHECKPOINTS = 5
LEAST_BETWEEN_EVALUATIONS = 5
MOST_BETWEEN_CHECKPOINTS = 200


@dataclass(frozen=True)
class Schedule:
    """All in optimizer steps. The last step is always evaluated and saved."""

    total: int
    per_epoch: int
    warmup: int
    evaluate_every: int
    save_every: int
    log_every: int

    @property
    def epochs(self) -> float:
        return self.total / self.per_epoch

    def logs_at(self, step: int) -> bool:
        return step % self.log_every == 0 or step >= self.total

    def evaluates_at(self, step: int) -> bool:
        return step % self.evaluate_every == 0 or step >= self.total

    def saves_at(self, step: int) -> bool:
        return step % self.save_every == 0 or step >= self.total


def make_schedule(rows: int, settings: Hyperparameters, devices: int) -> Schedule:
    """Steps for `rows` lines of batches (packed or not) on so many devices.

    Automatic: about ten evaluations a run, at least one per epoch, never more often than every 5 steps; about five
    checkpoints, at least every 200 steps, each right after an evaluation where that is possible.
    """
    batches = math.ceil(rows / (settings.batch_size * devices))
    per_epoch = max(1, math.ceil(batches / settings.gradient_accumulation_steps))
    total = settings.max_steps or math.ceil(settings.epochs * per_epoch)
    evaluate_every = settings.eval_steps or max(
        LEAST_BETWEEN_EVALUATIONS, min(math.ceil(total / EVALUATIONS), per_epoch)
    )
    save_every = settings.save_steps or _between_checkpoints(total, evaluate_every)
    return Schedule(
        total=total,
        per_epoch=per_epoch,
        warmup=math.ceil(total * settings.warmup_ratio),
        evaluate_every=evaluate_every,
        save_every=save_every,
        log_every=settings.logging_steps,
    )


def _between_checkpoints(total: int, evaluate_every: int) -> int:
    """A multiple of the steps between evaluations, so that each checkpoint is told with its validation loss."""
    wanted = min(MOST_BETWEEN_CHECKPOINTS, math.ceil(total / CHECKPOINTS))
    if evaluate_every > MOST_BETWEEN_CHECKPOINTS:
        return wanted
    rounded = evaluate_every * math.ceil(wanted / evaluate_every)
    return rounded if rounded <= MOST_BETWEEN_CHECKPOINTS else rounded - evaluate_every
