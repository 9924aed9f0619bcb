"""From a request to a complete configuration, and what it will probably take: steps, time, dollars.

Everything is made from our rows, never from a client's figures. Creating a job and estimating one use the
same `configuration`, so both refuse the same things.

    steps     micro = ceil(examples / (batch x GPUs)); per epoch = max(1, ceil(micro / accumulated batches));
              total = ceil(epochs x per epoch)
    seconds   tokens x 6 x parameters / (GPUs x peak x efficiency) + start-up      (6: forward and backward
              pass of a dense transformer, 2 + 4 operations per weight and token)
    range     x 0.7 to x 1.5
"""

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from django.contrib.auth.models import User

from datasets.models import Dataset
from datasets.selectors import dataset_get
from jobs import presets, selectors
from jobs.costs import CENT
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel

STARTUP_SECONDS = 300.0
LOW, HIGH = 0.7, 1.5


@dataclass(frozen=True)
class Speed:
    """`peak` in dense half-precision operations per second; `efficiency` is the share that training reaches."""

    peak: float
    efficiency: float


# Peaks: the vendors' data sheets, tensor cores without sparsity, BF16 (FP16 on V100 and T4).
# The first entry that occurs in a type's name counts, so longer names stand before their beginnings.
SPEEDS: dict[str, Speed] = {
    "B200": Speed(2250e12, 0.25),
    "H200": Speed(989e12, 0.25),
    "H100": Speed(989e12, 0.25),
    "A100": Speed(312e12, 0.35),
    "V100": Speed(125e12, 0.30),
    "L40S": Speed(362e12, 0.30),
    "A6000": Speed(155e12, 0.30),
    "A10": Speed(125e12, 0.30),
    "L4": Speed(121e12, 0.30),
    "T4": Speed(65e12, 0.30),
    "4090": Speed(165e12, 0.30),
    "3090": Speed(71e12, 0.30),
    "CPU": Speed(0.5e12, 0.20),
}


@dataclass(frozen=True)
class Estimate:
    """`seconds` and `cost` are (low, high) and None where the GPU's speed is not known; `cost` is 0 for a type
    without a price (`is_priced` False). `price_per_hour` is for all GPUs together. `notes` are for the user."""

    tokens: int
    tokens_estimated: bool
    steps: int
    seconds: tuple[float, float] | None
    cost: tuple[Decimal, Decimal] | None
    price_per_hour: Decimal
    is_priced: bool
    effective_batch_size: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Configuration:
    """A request for a job, checked and complete."""

    dataset: Dataset
    base_model: BaseModel
    preset: str
    hyperparameters: dict[str, presets.Value]
    gpu: selectors.GpuType
    gpu_count: int


def configuration(
    *,
    user: User,
    dataset_id: uuid.UUID | str,
    preset_id: str,
    gpu_config: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    base_model: str = "",
) -> Configuration:
    """What `user` asks for, checked and completed from preset, price list and catalog.

    Raises DatasetNotFound, and InvalidJob with the problems of all fields at once.
    """
    dataset = dataset_get(user=user, dataset_id=dataset_id)
    gpus = {gpu.type: gpu for gpu in selectors.gpu_types()}
    problems: dict[str, list[str]] = {}
    if not dataset.training_ready:
        problems["dataset_id"] = [f"The dataset is not ready for training: it is {dataset.status}. See its page."]
    resolved = _checked(problems, lambda: presets.resolve(preset_id, hyperparameters))
    gpu_choice = _checked(problems, lambda: presets.resolve_gpus(gpu_config, gpus))
    model = _checked(problems, lambda: selectors.base_model_get(base_model))
    if resolved is None or gpu_choice is None or model is None or problems:
        raise InvalidJob.of_fields(problems)
    return Configuration(dataset, model, preset_id, resolved, gpus[gpu_choice["type"]], gpu_choice["count"])


def estimate(chosen: Configuration) -> Estimate:
    """Tokens, steps, time and dollars of a configuration."""
    gpu, count, notes = chosen.gpu, chosen.gpu_count, []
    tokens = math.ceil((chosen.dataset.total_tokens or 0) * float(chosen.hyperparameters["epochs"]))
    speed = next((speed for name, speed in SPEEDS.items() if name in gpu.type.upper()), None)
    price_per_hour = (gpu.price_per_hour or Decimal(0)) * count
    seconds = cost = None
    if speed is None:
        notes.append(f"The speed of {gpu.type} is not known, so time and cost cannot be estimated.")
    else:
        operations = tokens * 6.0 * chosen.base_model.parameters
        expected = operations / (count * speed.peak * speed.efficiency) + STARTUP_SECONDS
        seconds = (expected * LOW, expected * HIGH)
        low, high = (
            (price_per_hour * Decimal(str(second)) / 3600).quantize(CENT, rounding=ROUND_HALF_UP) for second in seconds
        )
        cost = (low, high)
    if not gpu.is_priced:
        notes.append(f"{gpu.type} has no price on the list: it counts 0.")
    if chosen.dataset.tokens_estimated:
        notes.append("Tokens are estimated from the size of the texts.")
    return Estimate(
        tokens=tokens,
        tokens_estimated=chosen.dataset.tokens_estimated,
        steps=total_steps(
            examples=chosen.dataset.total_training_pairs or 0,
            gpu_count=count,
            hyperparameters=chosen.hyperparameters,
        ),
        seconds=seconds,
        cost=cost,
        price_per_hour=price_per_hour,
        is_priced=gpu.is_priced,
        effective_batch_size=presets.effective_batch_size(chosen.hyperparameters, count),
        notes=tuple(notes),
    )


def total_steps(*, examples: int, gpu_count: int, hyperparameters: Mapping[str, Any]) -> int:
    """Optimizer steps of the whole run."""
    micro = math.ceil(examples / (hyperparameters["batch_size"] * gpu_count))
    per_epoch = max(1, math.ceil(micro / hyperparameters["gradient_accumulation_steps"]))
    total: int = math.ceil(hyperparameters["epochs"] * per_epoch)
    return total


Checked = TypeVar("Checked")


def _checked(problems: dict[str, list[str]], check: Callable[[], Checked]) -> Checked | None:
    """The check's result; its complaints go to `problems`, so that the user sees all of them at once."""
    try:
        return check()
    except InvalidJob as error:
        problems.update(error.details)
        return None
