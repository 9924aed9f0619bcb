"""An estimate in the form for a new job as the server writes it; static/configure/estimate.js writes the same texts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs import offers, selectors
from jobs.estimates import Estimate
from jobs.templatetags import figures

BARELY_SHOWN = 0.05  # GiB


@dataclass(frozen=True)
class GpuRow:
    """A GPU type on offer and, where there is an estimate, what it would make of the job."""

    gpu: selectors.GpuType
    verdict: str = ""
    share: str = ""
    time: str = figures.ABSENT
    cost: str = figures.ABSENT
    price: str = ""
    is_cheapest: bool = False
    is_fastest: bool = False


def shown(made: Estimate | None) -> dict[str, Any]:
    """Texts of an estimate by the names in the template; "—" everywhere without one."""
    if made is None:
        names = ("cost", "duration", "price", "steps", "examples", "validation", "tokens", "trained", "lost")
        return dict.fromkeys(names, figures.ABSENT)
    tokens, plan, offer = made.tokens, made.plan, made.offer
    about = "≈ " if tokens.estimated else ""
    origin = [f"Time and cost are {offer.based_on}."] if offer.based_on else []
    return {
        "is_made": True,
        "cost": _range(offer.cost, figures.dollars),
        "duration": _range(offer.seconds, _minutes),
        "price": figures.dollars(offer.price_per_hour),
        "steps": figures.count(plan.steps),
        "examples": figures.count(plan.training_examples),
        "validation": figures.count(plan.validation_examples) if plan.validation_examples else "nothing",
        "tokens": about + figures.count(tokens.processed),
        "trained": figures.ABSENT if tokens.trained is None else about + figures.count(tokens.trained),
        "lost": _lost(made),
        "effective_batch": made.effective_batch_size,
        "notes": [*origin, *made.notes],
        "warnings": [warning.message for warning in made.warnings],
        "memory": f": {made.need.total:.1f} GiB on each GPU" if made.need else ": not known",
        "parts": [
            (figures.words(name), gib, f"{gib:.1f} GiB" if gib >= BARELY_SHOWN else "under 0.1 GiB")
            for name, gib in (made.need.parts if made.need else {}).items()
        ],
        "whole": made.need.total if made.need else 0,
    }


def gpu_rows(gpu_types: Sequence[selectors.GpuType], made: Estimate | None) -> list[GpuRow]:
    """The table of GPU types."""
    if made is None:
        return [GpuRow(gpu) for gpu in gpu_types]
    of_type = {offer.type: offer for offer in made.offers}
    best = (offers.cheapest(made.offers), offers.fastest(made.offers))
    return [_row(gpu, of_type[gpu.type], made, *best) if gpu.type in of_type else GpuRow(gpu) for gpu in gpu_types]


def _row(gpu: selectors.GpuType, offer: offers.Offer, made: Estimate, cheapest: str, fastest: str) -> GpuRow:
    size = f"{offer.gpu_gib:g} GiB" if offer.gpu_gib else ""
    return GpuRow(
        gpu,
        verdict=offer.verdict,
        share=f"{made.need.total:.1f} of {size}" if made.need and size else size,
        time=_range(offer.seconds, _minutes),
        cost=_range(offer.cost, figures.dollars) if offer.is_priced else figures.ABSENT,
        price=figures.dollars(offer.price_per_hour) if offer.is_priced else "",
        is_cheapest=offer.type == cheapest,
        is_fastest=offer.type == fastest,
    )


def _lost(made: Estimate) -> str:
    lost, share = made.tokens.lost, made.tokens.share_lost
    if not lost or share is None:
        return "nothing" if lost == 0 else figures.ABSENT
    percent = "under 1" if share < 0.01 else f"{math.floor(100 * share + 0.5)}"
    return f"{percent}% of the tokens, in {figures.count(made.tokens.cut_examples)} examples"


def _minutes(seconds: float) -> str:
    return figures.duration(math.ceil(seconds / 60) * 60)


def _range(ends: tuple[Any, Any] | None, write: Callable[[Any], str]) -> str:
    if ends is None:
        return figures.ABSENT
    low, high = (write(end) for end in ends)
    return low if low == high else f"{low} \N{EN DASH} {high}"
