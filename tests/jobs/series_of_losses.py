"""Losses as runs report them: healthy ones of many kinds, and each fault."""

import math
import random
from collections.abc import Callable, Iterable

Losses = list[float]
Noise = Callable[[random.Random], float]

NOISES: dict[str, Noise] = {
    "none": lambda _: 1.0,
    "a large batch": lambda dice: max(0.05, 1 + 0.05 * dice.gauss(0, 1)),
    "a small batch": lambda dice: math.exp(dice.gauss(0, 0.3)),
    "a batch of one": lambda dice: math.exp(dice.gauss(0, 0.5)),
    "short answers": lambda dice: dice.gammavariate(4, 0.25),
    "an odd example now and then": lambda dice: 3.5 if dice.random() < 0.02 else 1 + 0.05 * dice.gauss(0, 1),
}


def falling(points: int, *, start: float = 2.6, end: float = 1.0, pace: float = 0.15) -> Losses:
    """From `start` down to `end`, most of it within a share `pace` of the run."""
    return [end + (start - end) * math.exp(-step / (pace * points)) for step in range(points)]


def with_warmup(points: int) -> Losses:
    """A hump of two thirds above the start where the learning rate is at its highest."""
    hump = (math.exp(-(((step / points - 0.06) / 0.03) ** 2)) for step in range(points))
    return [loss + 1.7 * up for loss, up in zip(falling(points), hump, strict=True)]


def by_epochs(points: int) -> Losses:
    """Known by heart: a step down with each of five epochs, to nearly nothing."""
    return [2.0 * 0.35 ** (5 * step // points) for step in range(points)]


def noisy(losses: Iterable[float], noise: str = "a large batch", seed: int = 7) -> Losses:
    dice = random.Random(seed)  # noqa: S311 - not a secret
    return [loss * NOISES[noise](dice) for loss in losses]


SHAPES: dict[str, Callable[[int], Losses]] = {
    "falling": falling,
    "falling at once": lambda points: falling(points, start=11.0, pace=0.02),
    "hardly learning": lambda points: falling(points, end=2.4),
    "learnt by heart": lambda points: falling(points, end=0.02, pace=0.3),
    "with a warm-up": with_warmup,
    "by epochs": by_epochs,
}
