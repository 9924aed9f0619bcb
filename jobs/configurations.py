"""From a request to a complete configuration: every name checked, every default filled in.

Creating a job and estimating one both start here, so both refuse the same things. A preset fills what was not asked
for; settings that depend on each other are refused where they were asked for, and made to agree where they were not.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib.auth.models import User

from datasets.exceptions import DatasetNotFound
from datasets.models import Dataset
from datasets.selectors import dataset_get
from jobs import budget, hardware, presets, selectors, sentinel
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel


@dataclass(frozen=True)
class Configuration:
    """A request for a job, checked and complete."""

    owner: User
    dataset: Dataset
    validation_dataset: Dataset | None
    base_model: BaseModel
    preset: str
    hyperparameters: dict[str, presets.Value]
    gpu: selectors.GpuType
    gpu_count: int
    max_cost: Decimal | None
    sentinel: dict[str, str]


def configuration(
    *,
    user: User,
    dataset_id: uuid.UUID | str,
    preset_id: str,
    gpu_config: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    base_model: str = "",
    validation_dataset_id: uuid.UUID | str | None = None,
    dataset_sha256: str = "",
    max_cost: Any = None,
    sentinel_rules: Any = None,
) -> Configuration:
    """What `user` asks for, checked and completed from preset, price list and catalog.

    `dataset_sha256` is refused where the dataset's file is another one by now. Raises DatasetNotFound, and
    InvalidJob with the problems of all fields at once.
    """
    dataset = _dataset(user, dataset_id, "dataset_id")
    validation = _dataset(user, validation_dataset_id, "validation_dataset_id") if validation_dataset_id else None
    gpus = {gpu.type: gpu for gpu in selectors.gpu_types()}
    problems: dict[str, list[str]] = {}
    for name, chosen in (("dataset_id", dataset), ("validation_dataset_id", validation)):
        if chosen is not None and not chosen.training_ready:
            problems[name] = [f"The dataset is not ready for training: it is {chosen.status}. See its page."]
    if dataset_sha256 and dataset_sha256 != dataset.sha256:
        problems["dataset_sha256"] = ["The dataset's file is another one by now: leave this out to train on it."]
    resolved = _checked(problems, lambda: presets.resolve(preset_id, hyperparameters))
    gpu_choice = _checked(problems, lambda: presets.resolve_gpus(gpu_config, gpus))
    model = _checked(problems, lambda: selectors.base_model_get(base_model))
    limit = _checked(problems, lambda: budget.checked(max_cost))
    rules = _checked(problems, lambda: sentinel.checked(sentinel_rules))
    if resolved is None or gpu_choice is None or model is None or rules is None or problems:
        raise InvalidJob.of_fields(problems)
    gpu = gpus[gpu_choice["type"]]
    if limit is not None and not gpu.is_priced:
        problems["max_cost"] = [budget.unpriced(gpu.type)]
    _reconcile(problems, resolved, hyperparameters, model=model, gpu_type=gpu.type, has_file=validation is not None)
    if problems:
        raise InvalidJob.of_fields(problems)
    return Configuration(user, dataset, validation, model, preset_id, resolved, gpu, gpu_choice["count"], limit, rules)


def _dataset(user: User, dataset_id: uuid.UUID | str, field: str) -> Dataset:
    try:
        return dataset_get(user=user, dataset_id=dataset_id)
    except DatasetNotFound:
        raise DatasetNotFound(field) from None


def _reconcile(
    problems: dict[str, list[str]],
    resolved: dict[str, presets.Value],
    asked: Mapping[str, Any],
    *,
    model: BaseModel,
    gpu_type: str,
    has_file: bool,
) -> None:
    """Settings that depend on each other: what was asked for is refused, what was not is made to agree."""
    if has_file:
        if asked.get("validation_split"):
            problems["hyperparameters.validation_split"] = ["Leave it out: the validation dataset is used instead."]
        resolved["validation_split"] = 0.0
    if int(resolved["max_length"]) > model.context_length:
        if "max_length" in asked:
            problems["hyperparameters.max_length"] = [
                f"Must be at most {model.context_length}: longer texts are beyond {model.name}."
            ]
        resolved["max_length"] = model.context_length
    if resolved["early_stopping_patience"] and not has_file and not resolved["validation_split"]:
        problems["hyperparameters.early_stopping_patience"] = [
            "Nothing is held out to measure improvement: set validation_split, or 0 here."
        ]
    if resolved["quantization"] != "none" and hardware.is_cpu(gpu_type):
        problems["hyperparameters.quantization"] = [f"Must be none: {gpu_type} has no GPU that quantizes."]


Checked = TypeVar("Checked")


def _checked(problems: dict[str, list[str]], check: Callable[[], Checked]) -> Checked | None:
    """The check's result; its complaints go to `problems`, so that the user sees all of them at once."""
    try:
        return check()
    except InvalidJob as error:
        problems.update(error.details)
        return None
