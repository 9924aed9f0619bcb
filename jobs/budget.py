"""A job's budget (`max_cost`): what it may be, when to warn, when to stop, and what it pays for. Pure.

Costs are only known when a cluster is asked, and a run does not end at the word. So a job is stopped as soon as its
cost, after another look and the time to stop, might be above the budget:

    cost + price x GPUs x (seconds between two looks + STOPPING_SECONDS) > budget

Then the final bill is at most the budget where the cluster answers every look and frees its GPUs within
STOPPING_SECONDS. Where it does not, or cannot be asked, the time limit sent with the job ends it at the cluster
(level 2) after the time that the budget pays for, at least LEAST_RUNTIME_SECONDS. A budget that pays for little more
than those seconds is used at least half; then the time limit alone keeps it.
"""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from jobs.exceptions import InvalidJob

LEAST, MOST = Decimal("0.01"), Decimal("1000000")
WARN_AT = Decimal("0.8")
# What a cluster is given to save the adapter (30 s) and the way there.
STOPPING_SECONDS = 45
LEAST_RUNTIME_SECONDS = 60

Verdict = Literal["within", "warn", "stop"]


@dataclass(frozen=True)
class Rate:
    """What a job's GPUs cost: dollars per GPU and hour, and how many there are."""

    price_per_hour: Decimal
    gpu_count: int

    def dollars(self, seconds: float) -> Decimal:
        """Unrounded."""
        return self.price_per_hour * self.gpu_count * Decimal(str(seconds)) / 3600


def rate(price_per_hour: Decimal | None, gpu_count: int) -> Rate | None:
    """A job's rate; None without a price."""
    return None if price_per_hour is None else Rate(price_per_hour, gpu_count)


def checked(given: Any) -> Decimal | None:
    """A budget as it is stored; None is none. Raises InvalidJob under "max_cost"."""
    if given is None:
        return None
    amount = Decimal(str(given)) if isinstance(given, int | float | Decimal) and not isinstance(given, bool) else None
    if amount is None or not amount.is_finite() or not LEAST <= amount <= MOST or amount != round(amount, 2):
        shown = json.dumps(given, default=str, ensure_ascii=False)[:40]
        raise InvalidJob.of_fields(
            {"max_cost": [f"Must be an amount in dollars and whole cents from 0.01 to 1,000,000, not {shown}."]}
        )
    return round(amount, 2)


def unpriced(gpu_type: str) -> str:
    """Why a GPU type and a budget do not go together."""
    return (
        f"{gpu_type} has no price on the list, so a budget cannot be kept: leave it out, choose a GPU type with a "
        "price, or ask the operator to add one."
    )


def doubt(limit: Decimal, cost: tuple[Decimal, Decimal] | None) -> str:
    """What to say of a budget beside the estimate (low, high); "" where it will do."""
    if cost is None or limit >= cost[1]:
        return ""
    low, high = cost
    if limit < low:
        return (
            f"The budget of ${limit} is below the estimate: the job will be stopped before its end, its adapter kept."
        )
    return f"The job may cost up to ${high}: at the budget of ${limit} it is stopped, its adapter kept."


def verdict(spent: Decimal, limit: Decimal, rate: Rate, *, look_every_s: float) -> Verdict:
    """What a job's cost so far means for its budget."""
    reserve = min(rate.dollars(look_every_s + STOPPING_SECONDS), limit / 2)
    if spent + reserve > limit:
        return "stop"
    return "warn" if spent >= limit * WARN_AT else "within"


def seconds_paid(limit: Decimal, spent: Decimal, rate: Rate) -> int | None:
    """Whole seconds that the rest of a budget pays for, at least LEAST_RUNTIME_SECONDS; None: any number."""
    per_second = rate.dollars(1)
    if per_second <= 0:
        return None
    return max(LEAST_RUNTIME_SECONDS, math.floor((limit - spent) / per_second))
