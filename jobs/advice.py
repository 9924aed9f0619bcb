"""Settings that are allowed and seldom wise: sentences beside the estimate, never refusals. Pure.

The bounds are those within which LoRA is commonly found to learn well; vLLM's are its documentation's on
`--max-lora-rank`, which is 16 unless raised.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RANKS = (4, 128)
LEARNING_RATES = (1e-5, 5e-4)
RSLORA_FROM = 64
VLLM_RANKS = (16, 32, 64, 128, 256)
SCALES = (0.5, 4.0)  # alpha / rank
FEW_EXAMPLES, MANY_PASSES = 1000, 3  # more passes over fewer examples are learned by heart
FEW_STEPS = 20
LONGEST_WARM_UP = 0.2


@dataclass(frozen=True)
class Warning:
    """A sentence, and the field of a request that it is about: "hyperparameters.rank"."""

    field: str
    message: str


def on_settings(hyperparameters: Mapping[str, Any]) -> Iterator[Warning]:
    """What somebody who knows would say to these settings, whatever the data is."""
    yield from _on_rank(hyperparameters)
    yield from _on_scale(hyperparameters)
    yield from _on_rate(hyperparameters)


def on_data(
    hyperparameters: Mapping[str, Any],
    *,
    examples: int,
    validation_examples: int,
    rows: int,
    passes: float,
    gpu_count: int,
) -> Iterator[Warning]:
    """What they would say to these settings on so many examples; `rows` and `passes` as in jobs.schedule."""
    per_gpu = int(hyperparameters["batch_size"])
    effective = per_gpu * gpu_count * int(hyperparameters.get("gradient_accumulation_steps", 1))
    steps = math.ceil(rows / effective) * passes
    if effective > rows:
        yield _about(
            "batch_size",
            f"A step takes {effective:,} examples and there are {rows:,}: lower the batch size, the accumulation or "
            "the number of GPUs.",
        )
    elif steps < FEW_STEPS and not hyperparameters.get("max_steps"):
        yield _about("batch_size", f"Only {math.ceil(steps)} steps: a smaller batch gives the adapter more of them.")
    if examples < FEW_EXAMPLES and passes > MANY_PASSES:
        yield _about(
            "epochs",
            f"{passes:g} passes over {examples:,} examples are easily learned by heart: watch the validation loss, "
            "or turn early stopping on.",
        )
    if not validation_examples:
        yield _about(
            "validation_split",
            "Nothing is held out: there will be no validation loss, and over-learning stays unseen.",
        )


def vllm_rank(rank: int) -> int:
    """The smallest `--max-lora-rank` with which vLLM serves an adapter of this rank."""
    return next(offered for offered in VLLM_RANKS if rank <= offered)


def cut(examples: int, lost_tokens: int, share: float | None, max_length: int) -> Warning:
    """What a maximum length takes away, in one pass; `share` of all tokens."""
    whose = "1 example is" if examples == 1 else f"{examples:,} examples are"
    part = f" ({_percent(share)} of all)" if share else ""
    sentence = f"{whose} longer than {max_length:,} tokens: {lost_tokens:,} tokens{part} are lost at their ends."
    return Warning("hyperparameters.max_length", sentence)


def too_many(wanted: int, available: int, gpu_type: str) -> str:
    """More GPUs than the clusters have."""
    return f"There are {available} {gpu_type} in all: a job on {wanted} of them waits until more are added."


def tight(need_gib: float, gpu_gib: float, gpu_type: str) -> str:
    """A job that may run out of memory."""
    return f"About {need_gib:.1f} GiB are needed and a {gpu_type} has {gpu_gib:g}: it may run out of memory."


def too_large(
    need_gib: float, gpu_gib: float, gpu_type: str, hyperparameters: Mapping[str, Any], fitting: Sequence[str]
) -> str:
    """Why a job is refused, and what to change. `fitting`: types on offer whose memory suffices."""
    ways = []
    if hyperparameters["batch_size"] > 1:
        ways.append("lower batch_size and raise gradient_accumulation_steps")
    ways.append("lower max_length")
    if hyperparameters.get("quantization", "none") == "none":
        ways.append("choose quantization nf4")
    ways.append(f"choose {' or '.join(fitting)}" if fitting else "choose a smaller base model")
    advised = f"{', '.join(ways[:-1])}, or {ways[-1]}"
    return f"About {need_gib:.1f} GiB are needed on each GPU and a {gpu_type} has {gpu_gib:g}: {advised}."


def _about(name: str, sentence: str) -> Warning:
    return Warning(f"hyperparameters.{name}", sentence)


def _percent(share: float) -> str:
    return "less than 1%" if share < 0.01 else f"{share:.0%}"


def _on_rank(hyperparameters: Mapping[str, Any]) -> Iterator[Warning]:
    rank = hyperparameters["rank"]
    if rank < RANKS[0]:
        yield _about("rank", f"Rank {rank} is small: below {RANKS[0]} an adapter hardly learns.")
    if rank > RANKS[1]:
        yield _about("rank", f"Rank {rank} is large: above {RANKS[1]} it costs memory and rarely learns more.")
    if rank > VLLM_RANKS[0]:
        yield _about("rank", f"To serve rank {rank} with vLLM, start it with --max-lora-rank {vllm_rank(rank)}.")
    if rank >= RSLORA_FROM and not hyperparameters.get("use_rslora"):
        sentence = f"From rank {RSLORA_FROM} on, rank-stabilised scaling (use_rslora) keeps an adapter learning."
        yield _about("use_rslora", sentence)


def _on_scale(hyperparameters: Mapping[str, Any]) -> Iterator[Warning]:
    rank, alpha = hyperparameters["rank"], hyperparameters["alpha"]
    scale = alpha / rank
    if scale > SCALES[1]:
        yield _about("alpha", f"Alpha is {scale:.3g} times the rank: above {SCALES[1]:g} times training gets unstable.")
    if scale < SCALES[0]:
        yield _about("alpha", f"Alpha is {scale:.2g} of the rank: the adapter hardly counts. Twice the rank is usual.")


def _on_rate(hyperparameters: Mapping[str, Any]) -> Iterator[Warning]:
    rate, warm_up = hyperparameters["learning_rate"], hyperparameters.get("warmup_ratio", 0)
    written = f"{rate:g}".replace("e-0", "e-")
    if rate < LEARNING_RATES[0]:
        yield _about("learning_rate", f"A learning rate of {written} is low for LoRA: below 1e-5 little changes.")
    if rate > LEARNING_RATES[1]:
        sentence = f"A learning rate of {written} is high: above 5e-4 training often becomes unstable."
        yield _about("learning_rate", sentence)
    if warm_up > LONGEST_WARM_UP:
        yield _about(
            "warmup_ratio", f"The learning rate rises during {warm_up:.0%} of the run: a few percent are usual."
        )
