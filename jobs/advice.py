"""Settings that are allowed and seldom wise: sentences beside the estimate, never refusals. Pure.

The bounds are those within which LoRA is commonly found to learn well; vLLM's are its documentation's on
`--max-lora-rank`, which is 16 unless raised.
"""

from collections.abc import Mapping, Sequence
from typing import Any

RANKS = (4, 128)
LEARNING_RATES = (1e-5, 5e-4)
RSLORA_FROM = 64
VLLM_RANKS = (16, 32, 64, 128, 256)


def given_for(hyperparameters: Mapping[str, Any], *, has_validation: bool) -> list[str]:
    """What somebody who knows would say to these settings; empty where there is nothing to say."""
    return [*_on_rank(hyperparameters), *_on_steps(hyperparameters, has_validation)]


def vllm_rank(rank: int) -> int:
    """The smallest `--max-lora-rank` with which vLLM serves an adapter of this rank."""
    return next(offered for offered in VLLM_RANKS if rank <= offered)


def cut(examples: int, lost_tokens: int, max_length: int) -> str:
    """What a maximum length takes away, in one pass."""
    whose = "1 example is" if examples == 1 else f"{examples:,} examples are"
    return f"{whose} longer than {max_length:,} tokens: {lost_tokens:,} tokens are lost at their ends."


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


def _on_rank(hyperparameters: Mapping[str, Any]) -> list[str]:
    rank, said = hyperparameters["rank"], []
    if rank < RANKS[0]:
        said.append(f"Rank {rank} is small: below {RANKS[0]} an adapter hardly learns.")
    if rank > RANKS[1]:
        said.append(f"Rank {rank} is large: above {RANKS[1]} it costs memory and rarely learns more.")
    if rank > VLLM_RANKS[0]:
        said.append(f"To serve rank {rank} with vLLM, start it with --max-lora-rank {vllm_rank(rank)}.")
    if rank >= RSLORA_FROM and not hyperparameters.get("use_rslora"):
        said.append(f"From rank {RSLORA_FROM} on, rank-stabilised scaling (use_rslora) keeps an adapter learning.")
    return said


def _on_steps(hyperparameters: Mapping[str, Any], has_validation: bool) -> list[str]:
    rate, said = hyperparameters["learning_rate"], []
    if rate < LEARNING_RATES[0]:
        said.append(f"A learning rate of {rate:g} is low for LoRA: below 1e-5 little changes.")
    if rate > LEARNING_RATES[1]:
        said.append(f"A learning rate of {rate:g} is high: above 5e-4 training often becomes unstable.")
    if not has_validation:
        said.append("Nothing is held out: there will be no validation loss, and over-learning stays unseen.")
    return said
