"""What each GPU type on offer would make of one job: whether it fits, how long it takes, what it costs.

The same number of GPUs of every type, so the steps are the same and only memory, speed and price differ.

    seconds   (tokens + a third of those evaluated) x parameters x pace / GPUs + start-up
    pace      jobs.learned: of one's own finished jobs; without any 6 / (peak x efficiency) of jobs.hardware
              (6: forward and backward pass of a dense transformer, 2 + 4 operations per weight and token)
    start-up  of own jobs likewise; else 60 s and 30 s per billion weights to load them: 5 minutes for 8 billion
    range     x 0.7 to x 1.5 from data sheets, narrower with evidence
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from jobs import hardware, learned, memory, selectors
from jobs.configurations import Configuration
from jobs.costs import CENT

STARTUP_SECONDS, LOADING_SECONDS = 60.0, 30.0  # to start and to end; to load each billion of weights
LOW, HIGH = 0.7, 1.5
OPERATIONS = 6.0  # per weight and token
MAY_RUN = frozenset({"fits", "tight"})


@dataclass(frozen=True)
class Offer:
    """One GPU type. `verdict` is "fits", "tight", "does_not_fit", or "unknown" where the memory of the type (a CPU's
    included) or the base model's architecture is not known. `seconds` and `cost` are (low, high) and None where its
    speed is not known; without a price (`is_priced` False) the cost is 0. `price_per_hour` is for all GPUs together,
    `based_on` says in words what time and cost rest on."""

    type: str
    gpu_gib: float | None
    verdict: str
    price_per_hour: Decimal
    is_priced: bool
    seconds: tuple[float, float] | None
    cost: tuple[Decimal, Decimal] | None
    based_on: str


def compared(chosen: Configuration, *, token_work: float, need: memory.Need | None) -> tuple[Offer, ...]:
    """Every type on offer, dearest first. `token_work`: tokens of training and evaluation, counted as training."""
    taught = learned.gpu_types(chosen.owner)
    return tuple(_offer(chosen, gpu, token_work, need, is_taught=gpu.type in taught) for gpu in selectors.gpu_types())


def fitting(offers: Iterable[Offer]) -> list[str]:
    """Types whose memory suffices."""
    return [offer.type for offer in offers if offer.verdict in MAY_RUN]


def cheapest(offers: Sequence[Offer]) -> str:
    """The type that trains for least, by the middle of its range, of equally dear ones the faster; "" where there is
    nothing to choose between."""
    priced = [offer for offer in _runnable(offers) if offer.is_priced]
    return _best(
        [(sum(offer.cost), sum(offer.seconds), offer.type) for offer in priced if offer.cost and offer.seconds]
    )


def fastest(offers: Sequence[Offer]) -> str:
    """The type that is done first, likewise."""
    return _best(
        [(sum(offer.seconds), offer.price_per_hour, offer.type) for offer in _runnable(offers) if offer.seconds]
    )


def _runnable(offers: Sequence[Offer]) -> list[Offer]:
    """Those that fit; those of unknown memory too, unless some are known to fit."""
    return [offer for offer in offers if offer.verdict in MAY_RUN] or [
        offer for offer in offers if offer.verdict == "unknown"
    ]


def _best(candidates: Sequence[tuple[float | Decimal, float | Decimal, str]]) -> str:
    return min(candidates)[-1] if len({value for value, _, _ in candidates}) > 1 else ""


def _offer(
    chosen: Configuration, gpu: selectors.GpuType, token_work: float, need: memory.Need | None, *, is_taught: bool
) -> Offer:
    gib = hardware.memory_gib(gpu.type)
    seconds, based_on = _seconds(chosen, gpu.type, token_work, is_taught=is_taught)
    price = (gpu.price_per_hour or Decimal(0)) * chosen.gpu_count
    return Offer(
        type=gpu.type,
        gpu_gib=gib,
        verdict=memory.verdict(need.total, gib) if need and gib else "unknown",
        price_per_hour=price,
        is_priced=gpu.is_priced,
        seconds=seconds,
        cost=(_dollars(price, seconds[0]), _dollars(price, seconds[1])) if seconds else None,
        based_on=based_on,
    )


def _seconds(
    chosen: Configuration, gpu_type: str, token_work: float, *, is_taught: bool
) -> tuple[tuple[float, float] | None, str]:
    """(low, high) and what they rest on."""
    work = token_work * chosen.base_model.parameters / chosen.gpu_count
    seen = _pace(chosen, gpu_type) if is_taught else None
    if seen is not None:
        training, startup = work * seen.seconds, seen.startup_seconds
        plural = "job" if seen.jobs == 1 else "jobs"
        model = "" if seen.same_model else " with other base models"
        based_on = f"from {seen.jobs} of your finished {plural} on {gpu_type}{model}"
        return (training * seen.low + startup * LOW, training * seen.high + startup * HIGH), based_on
    known = hardware.known(gpu_type)
    if known is None:
        return None, ""
    startup = STARTUP_SECONDS + LOADING_SECONDS * chosen.base_model.parameters / 1e9
    expected = work * OPERATIONS / (known.peak * known.efficiency) + startup
    measured = "from a measurement on two cores" if hardware.is_cpu(gpu_type) else "from the GPU's data sheet"
    return (expected * LOW, expected * HIGH), measured


def _pace(chosen: Configuration, gpu_type: str) -> learned.Pace | None:
    return learned.pace(
        chosen.owner,
        gpu_type=gpu_type,
        base_model=chosen.base_model,
        quantization=str(chosen.hyperparameters["quantization"]),
    )


def _dollars(price_per_hour: Decimal, seconds: float) -> Decimal:
    return (price_per_hour * Decimal(str(seconds)) / 3600).quantize(CENT, rounding=ROUND_HALF_UP)
