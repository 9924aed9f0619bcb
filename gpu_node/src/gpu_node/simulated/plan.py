"""What a run has to do: its schedule, believable seconds per step, and where its loss begins and ends. Pure.

Throughput: peak FLOP/s x efficiency / (6 x parameters) tokens per second and GPU.
"""

import math
import re
from dataclasses import dataclass

from gpu_node.executor import RunOrder
from gpu_node.simulated.schedule import BYTES_PER_TOKEN, make_schedule, number

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
    save_every: int
    validation_examples: int
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
        """How many evaluation points there are up to and with this step, besides the one of step 0."""
        if not self.validation_examples:
            return 0
        return step // self.eval_every + (step == self.total_steps and step % self.eval_every != 0)

    def last_evaluation(self, step: int) -> int:
        """The last step not after this one that was evaluated; 0 is the one before the first step."""
        return step if step == self.total_steps else step // self.eval_every * self.eval_every

    def next_point(self, step: int) -> int:
        """The first step after this one that is logged or evaluated."""
        following = [(step // self.log_every + 1) * self.log_every]
        if self.validation_examples:
            following.append((step // self.eval_every + 1) * self.eval_every)
        return min(*following, max(self.total_steps, step + 1))

    def checkpoint(self, step: int) -> int:
        """The last step not after this one that was saved; 0 when none was."""
        return step // self.save_every * self.save_every


def make_plan(order: RunOrder, seed: int) -> Plan:
    """The plan of an order; the same order and seed give the same plan."""
    chosen, schedule = order.hyperparameters, make_schedule(order)
    rank = number(chosen, "rank", number(chosen, "lora_rank", 16))
    parameters = parameter_count(order.base_model)
    tokens = max(1.0, order.inputs.bytes / BYTES_PER_TOKEN)
    tokens_per_s = _tokens_per_s(order.gpu_type, order.gpu_count, parameters)
    rows_per_step = number(chosen, "batch_size", 4) * number(chosen, "gradient_accumulation_steps", 1)
    step_tokens = tokens / max(1, order.inputs.lines) * rows_per_step * order.gpu_count
    if chosen.get("packing"):
        step_tokens = number(chosen, "max_length", 2048) * rows_per_step * order.gpu_count
    step_s = step_tokens / tokens_per_s + STEP_OVERHEAD_S
    return Plan(
        total_steps=schedule.total_steps,
        steps_per_epoch=schedule.steps_per_epoch,
        total_epochs=math.ceil(schedule.total_steps / schedule.steps_per_epoch),
        log_every=schedule.log_every,
        eval_every=schedule.eval_every,
        save_every=schedule.save_every,
        validation_examples=schedule.validation_examples,
        tokenize_s=1.0 + tokens / 200_000,
        load_s=2.0 + parameters * 2 / 2e9,
        step_s=step_s,
        save_s=2.0,
        tokens_per_s=step_tokens / step_s,
        learning_rate=number(chosen, "learning_rate", 2e-4),
        warmup_steps=schedule.warmup_steps,
        start_loss=2.1 + seed % 1000 / 1000,
        floor_loss=0.12 + 0.7 / (1 + rank / 4),
        pace=250 / (schedule.steps_per_epoch / 45) ** 0.6,
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
