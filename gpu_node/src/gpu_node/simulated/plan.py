"""What a run has to do: steps from the real size of the data, believable seconds per step. Pure.

Steps: micro = ceil(lines / (batch x GPUs)); per epoch = max(1, ceil(micro / accumulation)); total =
ceil(epochs x per epoch). Throughput: peak FLOP/s x efficiency / (6 x parameters) tokens per second and GPU.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpu_node.executor import RunOrder

BYTES_PER_TOKEN = 4
MOST_POINTS = 2000
EVALUATIONS = 20
STEP_OVERHEAD_S = 0.15
SCALING_LOSS = 0.94
"""Share of throughput that is left each time the number of GPUs doubles."""

# Peak bf16 FLOP/s x the efficiency a LoRA run reaches, by what the type's name begins with.
EFFECTIVE_FLOPS = {
    "H100": 989e12 * 0.25,
    "A100": 312e12 * 0.35,
    "V100": 125e12 * 0.30,
    "RTX": 165e12 * 0.35,
    "CPU": 0.4e12 * 0.50,
}
OTHER_FLOPS = 100e12 * 0.35
PARAMETERS_IN_NAME = re.compile(r"(\d+(?:\.\d+)?)\s*([bBmM])(?![a-zA-Z])")
OTHER_PARAMETERS = 7e9


@dataclass(frozen=True)
class Plan:
    """The course of a run before anything happens to it. Seconds are the machine's, before `speed`."""

    total_steps: int
    steps_per_epoch: int
    total_epochs: int
    log_every: int
    eval_every: int
    tokenize_s: float
    load_s: float
    step_s: float
    save_s: float
    tokens_per_s: float
    learning_rate: float
    warmup_steps: int
    start_loss: float
    floor_loss: float
    pace: float
    seed: int

    def logged(self, step: int) -> int:
        """How many training points there are up to and with this step."""
        return step // self.log_every + (step == self.total_steps and step % self.log_every != 0)

    def evaluated(self, step: int) -> int:
        """How many evaluation points there are up to and with this step."""
        return step // self.eval_every + (step == self.total_steps and step % self.eval_every != 0)

    def checkpoint(self, step: int) -> int:
        """The last step not after this one that was saved; 0 when none was."""
        return step // self.eval_every * self.eval_every


def make_plan(order: RunOrder, seed: int) -> Plan:
    """The plan of an order; the same order and seed give the same plan."""
    chosen = order.hyperparameters
    batch = _number(chosen, "batch_size", 4)
    accumulation = _number(chosen, "gradient_accumulation_steps", 1)
    epochs = _number(chosen, "epochs", 3)
    rank = _number(chosen, "rank", _number(chosen, "lora_rank", 16))
    lines = max(1, order.inputs.lines)
    per_epoch = max(1, math.ceil(math.ceil(lines / (batch * order.gpu_count)) / accumulation))
    total = max(1, math.ceil(epochs * per_epoch))
    log_every = int(_number(chosen, "logging_steps", math.ceil(total / MOST_POINTS)))
    eval_every = int(_number(chosen, "eval_steps", 0)) or math.ceil(total / EVALUATIONS)

    parameters = parameter_count(order.base_model)
    tokens = max(1.0, order.inputs.bytes / BYTES_PER_TOKEN)
    tokens_per_s = _tokens_per_s(order.gpu_type, order.gpu_count, parameters)
    step_tokens = tokens / lines * batch * accumulation * order.gpu_count
    step_s = step_tokens / tokens_per_s + STEP_OVERHEAD_S
    return Plan(
        total_steps=total,
        steps_per_epoch=per_epoch,
        total_epochs=math.ceil(epochs),
        log_every=log_every,
        eval_every=math.ceil(eval_every / log_every) * log_every,
        tokenize_s=1.0 + tokens / 200_000,
        load_s=2.0 + parameters * 2 / 2e9,
        step_s=step_s,
        save_s=2.0,
        tokens_per_s=step_tokens / step_s,
        learning_rate=_number(chosen, "learning_rate", 2e-4),
        warmup_steps=max(1, math.ceil(0.03 * total)),
        start_loss=2.1 + seed % 1000 / 1000,
        floor_loss=0.12 + 0.7 / (1 + rank / 4),
        pace=250 / (per_epoch / 45) ** 0.6,
        seed=seed,
    )


def parameter_count(base_model: str) -> float:
    """Parameters as told by a name such as `Llama-3.1-8B` or `SmolLM2-135M`; 7 billion when it tells none."""
    found = PARAMETERS_IN_NAME.findall(base_model)
    if not found:
        return OTHER_PARAMETERS
    figure, unit = found[-1]
    return max(1e6, float(figure) * (1e9 if unit in "bB" else 1e6))


def _tokens_per_s(gpu_type: str, count: int, parameters: float) -> float:
    name = gpu_type.upper()
    flops = next((value for prefix, value in EFFECTIVE_FLOPS.items() if prefix in name), OTHER_FLOPS)
    return flops / (6 * parameters) * count * math.pow(SCALING_LOSS, math.log2(count))


def _number(chosen: Mapping[str, Any], name: str, default: float) -> float:
    value = chosen.get(name)
    return default if value is None else float(value)
