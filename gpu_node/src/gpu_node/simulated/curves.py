"""Metric values of a step: the shape of a LoRA fine-tuning, with noise that is the same at every look. Pure.

Loss falls exponentially with the learning that took place, that is the integral of the learning-rate
schedule: a tiny rate barely learns, a far too large one stays noisy and high.
"""

import math
from collections.abc import Mapping

from gpu_node.simulated.plan import Plan

_MASK = (1 << 64) - 1
STEEPNESS = 1.4
UNSTABLE_RATE = 1e-3


def noise(seed: int, step: int, salt: int) -> float:
    """A number in -1..1 around 0, the same for the same arguments (SplitMix64's finalizer over their mix)."""
    word = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + salt * 0x94D049BB133111EB) & _MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    word ^= word >> 31
    # Two halves added: a triangle around 0, close enough to a bell.
    return ((word & 0xFFFFFFFF) + (word >> 32)) / 0xFFFFFFFF - 1.0


def learning_rate(plan: Plan, step: int) -> float:
    """Linear warm-up, then a cosine down to 0 at the last step."""
    if step <= plan.warmup_steps:
        return plan.learning_rate * step / plan.warmup_steps
    done = (step - plan.warmup_steps) / max(1, plan.total_steps - plan.warmup_steps)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def training_values(plan: Plan, step: int) -> dict[str, float | None]:
    """What a training step reports; throughput in tokens/s, utilization in percent."""
    seed = plan.seed
    loss = _smooth_loss(plan, step)
    wobble = 0.05 + 0.4 * min(1.0, plan.learning_rate / UNSTABLE_RATE) ** 2
    return {
        "training_loss": max(0.001, loss * (1 + wobble * noise(seed, step, 1))),
        "learning_rate": learning_rate(plan, step),
        "gradient_norm": (0.25 + 0.55 * loss) * (1 + 0.25 * noise(seed, step, 2)),
        "throughput": plan.tokens_per_s * (1 + 0.03 * noise(seed, step, 3)),
        "gpu_utilization": min(100.0, 94.0 + 3.5 * noise(seed, step, 4)),
    }


def evaluation_values(plan: Plan, step: int) -> dict[str, float | None]:
    """What an evaluation reports: close to training at first, drifting apart with many epochs."""
    epochs = step / plan.steps_per_epoch
    gap = 0.03 + 0.02 * max(0.0, epochs - 2.0)
    loss = _smooth_loss(plan, step) * (1.04 + 0.01 * noise(plan.seed, step, 5)) + gap * _learned(plan, step)
    return {"validation_loss": max(0.001, loss)}


def broken(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """The same values after the loss became NaN and the gradients infinite."""
    return (
        dict(values)
        | {name: math.nan for name in values if name.endswith("_loss")}
        | ({"gradient_norm": math.inf} if "gradient_norm" in values else {})
    )


def _smooth_loss(plan: Plan, step: int) -> float:
    unstable = max(0.0, plan.learning_rate / UNSTABLE_RATE - 1.0)
    floor = plan.floor_loss + min(3.0, 0.4 * unstable)
    return floor + (plan.start_loss - plan.floor_loss) * (1 - _learned(plan, step))


def _learned(plan: Plan, step: int) -> float:
    """Share of what there is to learn that is learned by now, 0..1."""
    warm, total = plan.warmup_steps, plan.total_steps
    if step <= warm:
        area = step * step / (2 * warm)
    else:
        rest = max(1, total - warm)
        done = step - warm
        area = warm / 2 + done / 2 + rest / (2 * math.pi) * math.sin(math.pi * done / rest)
    return 1 - math.exp(-((plan.pace * plan.learning_rate * area) ** STEEPNESS))
