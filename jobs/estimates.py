"""What a configuration will probably take: tokens, steps, memory, time, dollars.

Everything is made from our rows, never from a client's figures. `accepted` refuses what does not fit the GPUs.

    tokens    the dataset's histogram of lengths, cut at max_length, corrected by what own jobs counted
    steps     jobs.schedule, as the trainer counts them             memory    jobs.memory
    seconds   (tokens + a third of those evaluated) x parameters x pace / GPUs + start-up
    pace      jobs.learned: of one's own finished jobs; without any 6 / (peak x efficiency) of jobs.hardware
              (6: forward and backward pass of a dense transformer, 2 + 4 operations per weight and token)
    start-up  of own jobs likewise; else 60 s and 30 s per billion weights to load them: 5 minutes for 8 billion
    range     x 0.7 to x 1.5 from data sheets, narrower with evidence
"""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from datasets.validation import lengths
from jobs import advice, budget, hardware, learned, memory, presets, schedule, selectors
from jobs.configurations import Configuration, configuration
from jobs.costs import CENT
from jobs.exceptions import InvalidJob

__all__ = ["Configuration", "Estimate", "accepted", "as_json", "configuration", "estimate"]

STARTUP_SECONDS, LOADING_SECONDS = 60.0, 30.0  # to start and to end; to load each billion of weights
LOW, HIGH = 0.7, 1.5
OPERATIONS = 6.0  # per weight and token
LONGEST_TO_MEAN = 4  # the longest example of a dataset whose lengths were not kept


@dataclass(frozen=True)
class Fit:
    """How a job fits one GPU type: "fits", "tight", "does_not_fit", or "unknown" where the memory of the type (a
    CPU's included) or the base model's architecture is not known."""

    type: str
    gpu_gib: float | None
    verdict: str


@dataclass(frozen=True)
class Tokens:
    """Of all epochs together, but `lost` and `cut_examples`, which are of one pass. `trained` have loss. None where
    the dataset's lengths are not known. `estimated` unless this file was tokenized before."""

    processed: int
    trained: int | None
    lost: int | None
    cut_examples: int | None
    longest: int
    estimated: bool


@dataclass(frozen=True)
class Estimate:
    """`seconds` and `cost` are (low, high) and None where the GPU's speed is not known; `cost` is 0 for a type
    without a price (`is_priced` False). `price_per_hour` is for all GPUs together. `need` is the memory on each GPU,
    `fit` the verdict for the chosen type and `fits` for every type on offer. `based_on` says in words what time and
    cost rest on. `notes` are for the user, `warnings` too and of more weight."""

    tokens: Tokens
    plan: schedule.Schedule
    seconds: tuple[float, float] | None
    cost: tuple[Decimal, Decimal] | None
    price_per_hour: Decimal
    is_priced: bool
    effective_batch_size: int
    need: memory.Need | None
    fit: Fit
    fits: tuple[Fit, ...]
    based_on: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def steps(self) -> int:
        return self.plan.steps


def estimate(chosen: Configuration, *, start_step: int = 0) -> Estimate:
    """Tokens, steps, memory, time and dollars of a configuration; of what is left after `start_step` of a run that
    goes on from a checkpoint."""
    ratio = learned.token_ratio(chosen.owner, base_model=chosen.base_model, dataset=chosen.dataset)
    tokens, plan = _tokens_and_plan(chosen, ratio, start_step)
    need = _need(chosen, tokens.longest, plan.rows)
    seconds, based_on = _seconds(chosen, tokens, plan)
    price_per_hour = (chosen.gpu.price_per_hour or Decimal(0)) * chosen.gpu_count
    cost = (_dollars(price_per_hour, seconds[0]), _dollars(price_per_hour, seconds[1])) if seconds else None
    doubt = budget.doubt(chosen.max_cost, cost) if chosen.max_cost is not None else ""
    fits = tuple(_fit(gpu.type, need) for gpu in selectors.gpu_types())
    return Estimate(
        tokens=tokens,
        plan=plan,
        seconds=seconds,
        cost=cost,
        price_per_hour=price_per_hour,
        is_priced=chosen.gpu.is_priced,
        effective_batch_size=presets.effective_batch_size(chosen.hyperparameters, chosen.gpu_count),
        need=need,
        fit=_fit(chosen.gpu.type, need),
        fits=fits,
        based_on=based_on,
        notes=tuple(_notes(chosen, ratio, speed_known=seconds is not None)),
        warnings=(*filter(None, [doubt]), *_warnings(chosen, tokens, plan, need, fits)),
    )


def accepted(chosen: Configuration, *, start_step: int = 0) -> Estimate:
    """The estimate of a job that may start. Raises InvalidJob where it does not fit into the GPUs' memory."""
    made = estimate(chosen, start_step=start_step)
    if made.need is not None and made.fit.gpu_gib and made.fit.verdict == "does_not_fit":
        sentence = advice.too_large(
            made.need.total, made.fit.gpu_gib, chosen.gpu.type, chosen.hyperparameters, _fitting(made.fits)
        )
        raise InvalidJob.of_fields({"gpu_config.type": [sentence]})
    return made


def as_json(made: Estimate) -> dict[str, Any]:
    """The estimate as the API shows it and as a job keeps it; money as numbers."""
    return {
        "tokens": made.tokens.processed,
        "trained_tokens": made.tokens.trained,
        "lost_tokens": made.tokens.lost,
        "cut_examples": made.tokens.cut_examples,
        "longest_example": made.tokens.longest,
        "tokens_estimated": made.tokens.estimated,
        "training_examples": made.plan.training_examples,
        "validation_examples": made.plan.validation_examples,
        "steps": made.plan.steps,
        "start_step": made.plan.start_step,
        "evaluations": made.plan.evaluations,
        "duration_seconds": _range(made.seconds),
        "cost": _range(made.cost),
        "price_per_hour": float(made.price_per_hour),
        "priced": made.is_priced,
        "effective_batch_size": made.effective_batch_size,
        "memory": None
        if made.need is None
        else {
            "per_part": {name: round(gib, 3) for name, gib in made.need.parts.items()},
            "total_gib": round(made.need.total, 2),
            "gpu_gib": made.fit.gpu_gib,
            "verdict": made.fit.verdict,
        },
        "fits": [{"type": fit.type, "gpu_gib": fit.gpu_gib, "verdict": fit.verdict} for fit in made.fits],
        "based_on": made.based_on,
        "notes": list(made.notes),
        "warnings": list(made.warnings),
    }


def _tokens_and_plan(
    chosen: Configuration, ratio: learned.TokenRatio | None, start_step: int
) -> tuple[Tokens, schedule.Schedule]:
    dataset, settings = chosen.dataset, chosen.hyperparameters
    limit, scale = int(settings["max_length"]), ratio.value if ratio else 1.0
    examples, total = dataset.total_training_pairs or 0, (dataset.total_tokens or 0) * scale
    kept = lengths.read(dataset.token_lengths)
    cut = kept.cut(limit, scale=scale) if kept else None
    if cut is not None:
        examples, total, longest = cut.examples - cut.dropped, cut.tokens, cut.longest
    else:
        longest = min(limit, math.ceil(LONGEST_TO_MEAN * total / max(1, examples)))
    validation = chosen.validation_dataset
    plan = schedule.planned(
        examples=examples,
        gpu_count=chosen.gpu_count,
        hyperparameters=settings,
        own_validation=validation.total_training_pairs or 0 if validation else None,
        row_tokens=math.ceil(total),
        start_step=start_step,
    )
    passes = plan.passes * plan.training_examples / max(1, examples)
    tokens = Tokens(
        processed=round(total * passes),
        trained=round(cut.learned * passes) if cut else None,
        lost=cut.lost if cut else None,
        cut_examples=cut.cut_examples if cut else None,
        longest=min(limit, math.ceil(total)) if settings["packing"] else longest,
        estimated=dataset.tokens_estimated and not (ratio and ratio.exact),
    )
    return tokens, plan


def _need(chosen: Configuration, longest: int, rows: int) -> memory.Need | None:
    model = memory.architecture(chosen.base_model.architecture)
    if model is None:
        return None
    return memory.needed(
        model,
        parameters=chosen.base_model.parameters,
        hyperparameters=chosen.hyperparameters,
        longest=longest,
        rows=rows,
    )


def _fit(gpu_type: str, need: memory.Need | None) -> Fit:
    gib = hardware.memory_gib(gpu_type)
    known = need is not None and gib is not None
    return Fit(gpu_type, gib, memory.verdict(need.total, gib) if need and gib and known else "unknown")


def _fitting(fits: tuple[Fit, ...]) -> list[str]:
    return [fit.type for fit in fits if fit.verdict in {"fits", "tight"}]


def _seconds(chosen: Configuration, tokens: Tokens, plan: schedule.Schedule) -> tuple[tuple[float, float] | None, str]:
    """(low, high) and what they rest on."""
    gpu_type = chosen.gpu.type
    per_example = tokens.processed / max(1.0, plan.passes * plan.training_examples)
    work = (tokens.processed + plan.evaluation_work(per_example)) * chosen.base_model.parameters / chosen.gpu_count
    seen = learned.pace(
        chosen.owner,
        gpu_type=gpu_type,
        base_model=chosen.base_model,
        quantization=str(chosen.hyperparameters["quantization"]),
    )
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


def _dollars(price_per_hour: Decimal, seconds: float) -> Decimal:
    return (price_per_hour * Decimal(str(seconds)) / 3600).quantize(CENT, rounding=ROUND_HALF_UP)


def _range(pair: tuple[Any, Any] | None) -> dict[str, float] | None:
    return None if pair is None else {"low": float(pair[0]), "high": float(pair[1])}


def _notes(chosen: Configuration, ratio: learned.TokenRatio | None, *, speed_known: bool) -> list[str]:
    said = []
    if not speed_known:
        said.append(f"The speed of {chosen.gpu.type} is not known, so time and cost cannot be estimated.")
    if not chosen.gpu.is_priced:
        said.append(f"{chosen.gpu.type} has no price on the list: it counts 0.")
    if ratio is not None and ratio.exact:
        said.append("Tokens as an earlier job counted them in this dataset.")
    elif ratio is not None:
        said.append(f"Tokens are estimated from the size of the texts, corrected by {ratio.jobs} finished job(s).")
    elif chosen.dataset.tokens_estimated:
        said.append("Tokens are estimated from the size of the texts.")
    if not chosen.dataset.token_lengths:
        said.append("Validate the dataset again to learn what the maximum length cuts off.")
    return said


def _warnings(
    chosen: Configuration,
    tokens: Tokens,
    plan: schedule.Schedule,
    need: memory.Need | None,
    fits: tuple[Fit, ...],
) -> list[str]:
    settings, said = chosen.hyperparameters, []
    fit = _fit(chosen.gpu.type, need)
    if need is not None and fit.gpu_gib and fit.verdict == "tight":
        said.append(advice.tight(need.total, fit.gpu_gib, chosen.gpu.type))
    if need is not None and fit.gpu_gib and fit.verdict == "does_not_fit":
        said.append(advice.too_large(need.total, fit.gpu_gib, chosen.gpu.type, settings, _fitting(fits)))
    if tokens.cut_examples:
        said.append(advice.cut(tokens.cut_examples, tokens.lost or 0, int(settings["max_length"])))
    if plan.passes < 1 and not plan.start_step:
        said.append(f"{plan.steps:,} steps see {plan.passes:.0%} of the examples: max_steps ends the first epoch.")
    return said + advice.given_for(settings, has_validation=plan.validation_examples > 0)
