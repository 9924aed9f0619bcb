"""What a configuration will probably take: tokens, steps, memory, time, dollars.

Everything is made from our rows, never from a client's figures. `accepted` refuses what does not fit the GPUs.

    tokens         the dataset's histogram of lengths, cut at max_length, corrected by what own jobs counted
    steps          jobs.schedule, as the trainer counts them
    memory         jobs.memory
    time and cost  jobs.offers, for every GPU type on offer
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from datasets.validation import lengths
from jobs import advice, budget, learned, memory, offers, presets, schedule
from jobs.configurations import Configuration, configuration
from jobs.exceptions import InvalidJob

__all__ = ["Configuration", "Estimate", "accepted", "as_answer", "as_json", "configuration", "estimate"]

LONGEST_TO_MEAN = 4  # the longest example of a dataset whose lengths were not kept


@dataclass(frozen=True)
class Tokens:
    """Of all epochs together, but `lost`, its share of all tokens and `cut_examples`, which are of one pass. `trained`
    have loss. None where the dataset's lengths are not known. `estimated` unless this file was tokenized before."""

    processed: int
    trained: int | None
    lost: int | None
    share_lost: float | None
    cut_examples: int | None
    longest: int
    estimated: bool


@dataclass(frozen=True)
class Estimate:
    """`offer` is what the chosen GPU type makes of it, `offers` what each type on offer would. `need` is the memory on
    each GPU. `notes` are for the user, `warnings` too and of more weight."""

    tokens: Tokens
    plan: schedule.Schedule
    effective_batch_size: int
    need: memory.Need | None
    offer: offers.Offer
    offers: tuple[offers.Offer, ...]
    notes: tuple[str, ...]
    warnings: tuple[advice.Warning, ...]

    @property
    def steps(self) -> int:
        return self.plan.steps

    @property
    def cost(self) -> tuple[Decimal, Decimal] | None:
        return self.offer.cost

    @property
    def seconds(self) -> tuple[float, float] | None:
        return self.offer.seconds


def estimate(chosen: Configuration, *, start_step: int = 0) -> Estimate:
    """Tokens, steps, memory, time and dollars of a configuration; of what is left after `start_step` of a run that
    goes on from a checkpoint."""
    ratio = learned.token_ratio(chosen.owner, base_model=chosen.base_model, dataset=chosen.dataset)
    tokens, plan = _tokens_and_plan(chosen, ratio, start_step)
    need = _need(chosen, tokens.longest, plan.rows)
    per_example = tokens.processed / max(1.0, plan.passes * plan.training_examples)
    work = tokens.processed + plan.evaluation_work(per_example)
    compared = offers.compared(chosen, token_work=work, need=need)
    offer = next(each for each in compared if each.type == chosen.gpu.type)
    return Estimate(
        tokens=tokens,
        plan=plan,
        effective_batch_size=presets.effective_batch_size(chosen.hyperparameters, chosen.gpu_count),
        need=need,
        offer=offer,
        offers=compared,
        notes=tuple(_notes(chosen, ratio, speed_known=offer.seconds is not None)),
        warnings=tuple(_warnings(chosen, tokens, plan, need, offer, compared)),
    )


def accepted(chosen: Configuration, *, start_step: int = 0) -> Estimate:
    """The estimate of a job that may start. Raises InvalidJob where it does not fit into the GPUs' memory."""
    made = estimate(chosen, start_step=start_step)
    if sentence := _too_large(chosen, made.need, made.offer, made.offers):
        raise InvalidJob.of_fields({"gpu_config.type": [sentence]})
    return made


def as_json(made: Estimate) -> dict[str, Any]:
    """The estimate as a job keeps it; money as numbers."""
    return {
        "tokens": made.tokens.processed,
        "trained_tokens": made.tokens.trained,
        "lost_tokens": made.tokens.lost,
        "lost_share": None if made.tokens.share_lost is None else round(made.tokens.share_lost, 4),
        "cut_examples": made.tokens.cut_examples,
        "longest_example": made.tokens.longest,
        "tokens_estimated": made.tokens.estimated,
        "training_examples": made.plan.training_examples,
        "validation_examples": made.plan.validation_examples,
        "steps": made.plan.steps,
        "start_step": made.plan.start_step,
        "evaluations": made.plan.evaluations,
        "duration_seconds": _range(made.offer.seconds),
        "cost": _range(made.offer.cost),
        "price_per_hour": float(made.offer.price_per_hour),
        "priced": made.offer.is_priced,
        "effective_batch_size": made.effective_batch_size,
        "memory": None
        if made.need is None
        else {
            "per_part": {name: round(gib, 3) for name, gib in made.need.parts.items()},
            "total_gib": round(made.need.total, 2),
            "gpu_gib": made.offer.gpu_gib,
            "verdict": made.offer.verdict,
        },
        "based_on": made.offer.based_on,
        "notes": list(made.notes),
        "warnings": [warning.message for warning in made.warnings],
    }


def as_answer(made: Estimate) -> dict[str, Any]:
    """The estimate before a job starts: with what every GPU type would make of it, and warnings by their fields, which
    are named as in a refusal's `details`."""
    warned: dict[str, list[str]] = {}
    for warning in made.warnings:
        warned.setdefault(warning.field, []).append(warning.message)
    return {
        **as_json(made),
        "warnings_by_field": warned,
        "offers": [_offer(offer) for offer in made.offers],
        "cheapest": offers.cheapest(made.offers),
        "fastest": offers.fastest(made.offers),
    }


def _offer(offer: offers.Offer) -> dict[str, Any]:
    return {
        "type": offer.type,
        "gpu_gib": offer.gpu_gib,
        "verdict": offer.verdict,
        "price_per_hour": float(offer.price_per_hour),
        "priced": offer.is_priced,
        "duration_seconds": _range(offer.seconds),
        "cost": _range(offer.cost),
        "based_on": offer.based_on,
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
        share_lost=cut.lost / max(1, cut.lost + cut.tokens) if cut else None,
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
    offer: offers.Offer,
    compared: tuple[offers.Offer, ...],
) -> Iterator[advice.Warning]:
    settings = chosen.hyperparameters
    if chosen.max_cost is not None and (doubt := budget.doubt(chosen.max_cost, offer.cost)):
        yield advice.Warning("max_cost", doubt)
    if chosen.gpu.available is not None and chosen.gpu_count > chosen.gpu.available:
        yield advice.Warning("gpu_config.count", advice.too_many(chosen.gpu_count, chosen.gpu.available, offer.type))
    if need and offer.gpu_gib and offer.verdict == "tight":
        yield advice.Warning("gpu_config.type", advice.tight(need.total, offer.gpu_gib, offer.type))
    if sentence := _too_large(chosen, need, offer, compared):
        yield advice.Warning("gpu_config.type", sentence)
    if tokens.cut_examples:
        yield advice.cut(tokens.cut_examples, tokens.lost or 0, tokens.share_lost, int(settings["max_length"]))
    if plan.passes < 1 and not plan.start_step:
        seen = f"{plan.steps:,} steps see {plan.passes:.0%} of the examples: max_steps ends the first epoch."
        yield advice.Warning("hyperparameters.max_steps", seen)
    yield from advice.on_settings(settings)
    yield from advice.on_data(
        settings,
        examples=plan.training_examples,
        validation_examples=plan.validation_examples,
        rows=plan.rows,
        passes=plan.passes,
        gpu_count=chosen.gpu_count,
    )


def _too_large(
    chosen: Configuration, need: memory.Need | None, offer: offers.Offer, compared: tuple[offers.Offer, ...]
) -> str:
    """Why the job does not fit, and what to change; "" where it fits or nobody knows."""
    if need is None or offer.gpu_gib is None or offer.verdict != "does_not_fit":
        return ""
    ways = offers.fitting(compared)
    return advice.too_large(need.total, offer.gpu_gib, offer.type, chosen.hyperparameters, ways)
