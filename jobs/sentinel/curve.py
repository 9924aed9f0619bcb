"""The losses of a run: not a number, exactly zero, a spike, divergence. Pure.

Points are judged in the order of their steps, each once. A healthy LoRA run is noisy (at a batch of one a point is
half of its neighbours' median or twice of it), falls fast at first, and rises a little at times; a run of ten steps
has no statistics at all. Distances are measured in nats of loss, in the median, and in the robust spread of the last
points (1.4826 x the median distance from the median, which is the standard deviation of normal noise):

    nan         NAN_POINTS in a row: a mixed-precision run may lose a single step to an overflow and go on
    zero        ZERO_POINTS in a row: a short example may have an answer that is known by heart, a few in a row do not
    spike       after MOST_UNSURE points: HIGH above the last ones twice in a row, or EXTREME once. One odd example in
                a small batch is high now and then, but not twice running, and not extreme where all are noisy
    divergence  the median of a window is DIVERGED_TIMES its best and DIVERGED_NATS and DIVERGED_SPREADS above it, for
                LONG_POINTS points in a row and a tenth of all points so far: not the hump that a run comes back from.
                The lowest of many noisy medians lies about one spread too low, hence the spreads
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from jobs.sentinel.memory import WINDOW, Memory
from jobs.sentinel.rules import Finding, Kind

NAN_POINTS = 2
ZERO_POINTS = 5
MOST_UNSURE = 16
HIGH = (10.0, 4.0, 1.0)  # spreads above the median, times the median, nats above it: all three
EXTREME = (40.0, 8.0, 2.0)
DIVERGED_TIMES, DIVERGED_NATS, DIVERGED_SPREADS = 1.5, 0.5, 2.0
LONG_POINTS, LONG_SHARE = 32, 0.1
NORMAL = 1.4826
HUGE = 1e9  # a loss beyond is as bad; the middle of two such numbers would be infinite


@dataclass(frozen=True)
class Loss:
    """The training loss of a step; NaN or infinite where the run reported that."""

    restart: int
    step: int
    value: float


def losses(memory: Memory, points: Iterable[Loss]) -> list[Finding]:
    """What the new points show, each kind once for a restart. Updates the memory."""
    found: list[Finding] = []
    for point in sorted(points, key=lambda point: (point.restart, point.step)):
        memory.resumed(point.restart)
        if point.restart < memory.restart or point.step <= memory.step:
            continue  # of before, or seen
        memory.step = point.step
        for finding in _judged(memory, point):
            if finding.kind not in memory.told:
                memory.told.append(finding.kind.value)
                found.append(finding)
    return found


def _judged(memory: Memory, point: Loss) -> Iterator[Finding]:
    memory.seen += 1
    if not math.isfinite(point.value):
        memory.nans = _counted(memory, "nan", memory.nans, point)
        if memory.nans >= NAN_POINTS:
            step = memory.since["nan"]
            yield Finding(Kind.NAN, f"The training loss has not been a number since step {step}.", step)
        return
    memory.nans = 0
    memory.zeros = _counted(memory, "zero", memory.zeros, point) if point.value == 0 else 0
    if memory.zeros >= ZERO_POINTS:
        step = memory.since["zero"]
        yield Finding(Kind.ZERO, f"The training loss has been exactly 0 since step {step}.", step)
    if point.value == 0:
        return
    yield from _spike(memory, point)
    memory.losses = [*memory.losses, float(f"{max(-HUGE, min(HUGE, point.value)):.6g}")][-WINDOW:]
    yield from _divergence(memory, point)


def _spike(memory: Memory, point: Loss) -> Iterator[Finding]:
    if len(memory.losses) < MOST_UNSURE:
        return
    usual, spread = _usual(memory)
    above = point.value - usual

    def is_far(spreads: float, times: float, nats: float) -> bool:
        return above > spreads * spread and point.value > times * usual and above > nats

    if not is_far(*HIGH):
        memory.high = 0
        return
    memory.high = _counted(memory, "spike", memory.high, point) + is_far(*EXTREME)
    if memory.high >= 2:
        step = memory.since["spike"]
        told = f"The training loss jumped at step {step}: {point.value:.4g}, after about {usual:.4g} before."
        yield Finding(Kind.SPIKE, told, step)


def _divergence(memory: Memory, point: Loss) -> Iterator[Finding]:
    if len(memory.losses) < WINDOW:
        return
    smooth, spread = _usual(memory)
    memory.best = smooth if memory.best is None else min(memory.best, smooth)
    above = smooth - memory.best
    if smooth <= DIVERGED_TIMES * memory.best or above <= max(DIVERGED_NATS, DIVERGED_SPREADS * spread):
        memory.worse = 0
        return
    memory.worse = _counted(memory, "divergence", memory.worse, point)
    if memory.worse >= max(LONG_POINTS, LONG_SHARE * memory.seen):
        step = memory.since["divergence"]
        told = (
            f"The training loss has been worse since step {step}: about {smooth:.4g}, after {memory.best:.4g} at best."
        )
        yield Finding(Kind.DIVERGENCE, told, step)


def _usual(memory: Memory) -> tuple[float, float]:
    """Median and robust spread of the last points."""
    middle = median(memory.losses)
    return middle, NORMAL * median(abs(loss - middle) for loss in memory.losses)


def _counted(memory: Memory, what: str, count: int, point: Loss) -> int:
    """One more in a row; the first one's step is kept."""
    if count == 0:
        memory.since[what] = point.step
    return count + 1
