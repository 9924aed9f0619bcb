"""The form for a new job: which settings stand together, and what it starts with, empty or cloned from a job."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet

from datasets.models import Dataset
from jobs import presets, selectors, sentinel
from jobs.models import BaseModel, TrainingJob

MAIN_FIELDS = ("epochs", "learning_rate", "batch_size")  # the others are folded away
NAME_LENGTH = 200
GROUPS: dict[str, tuple[str, ...]] = {
    "Adapter": ("rank", "alpha", "dropout", "target_modules", "quantization", "use_rslora"),
    "Optimiser": ("gradient_accumulation_steps", "max_steps", "warmup_ratio", "lr_scheduler", "weight_decay"),
    "Data": ("max_length", "seed", "packing"),
    "Evaluation and checkpoints": (
        "validation_split",
        "eval_steps",
        "early_stopping_patience",
        "save_steps",
        "logging_steps",
    ),
}


@dataclass(frozen=True)
class Start:
    """What the fields show at first; "" leaves a choice to the browser. `missing`: what the cloned job had and is
    not on offer any more, in words."""

    values: Mapping[str, Any]
    preset: str = presets.DEFAULT_PRESET
    dataset: str = ""
    validation_dataset: str = ""
    base_model: str = ""
    gpu_type: str = ""
    gpu_count: Any = 1
    name: str = ""
    max_cost: str = ""
    sentinel: Mapping[str, str] = field(default_factory=lambda: sentinel.checked({}))
    cloned_from: TrainingJob | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Whether a folded setting differs from the preset: then the form opens with all of them in sight."""
        usual = presets.resolve(self.preset, {})
        return self.sentinel != sentinel.checked({}) or any(
            self.values[name] != usual[name] for group in GROUPS.values() for name in group
        )


def groups() -> list[tuple[str, list[presets.Field]]]:
    """The folded settings with their headings."""
    return [(title, [presets.FIELDS[name] for name in names]) for title, names in GROUPS.items()]


def rules(start: Start) -> list[tuple[str, str, str, str]]:
    """The sentinel's rules as (name, label, help, chosen action)."""
    return [(kind.value, label, help, start.sentinel[kind]) for kind, (label, help) in sentinel.LABELS.items()]


def empty(dataset_id: str) -> Start:
    """The default preset on a chosen dataset, or on none."""
    return Start(values=written(presets.resolve(presets.DEFAULT_PRESET, {})), dataset=dataset_id)


def completed(start: Start, *, dataset: str, base_model: str, gpu_type: str) -> Start:
    """With what the page shows as chosen where nothing was."""
    return replace(
        start,
        dataset=start.dataset or dataset,
        base_model=start.base_model or base_model,
        gpu_type=start.gpu_type or gpu_type,
    )


def clone(
    job: TrainingJob,
    *,
    datasets: QuerySet[Dataset],
    base_models: Iterable[BaseModel],
    gpu_types: Iterable[selectors.GpuType],
) -> Start:
    """As the job was configured. Settings that it is too old to have are as they are by default."""
    preset = job.preset if job.preset in presets.PRESETS else "custom"
    known = {name: value for name, value in job.hyperparameters.items() if name in presets.FIELDS}
    start = Start(
        values=written({**presets.resolve(preset, {}), **known}),
        preset=preset,
        dataset=str(job.dataset_id),
        validation_dataset=str(job.validation_dataset_id or ""),
        base_model=job.base_model.name,
        gpu_type=job.gpu_config["type"],
        gpu_count=job.gpu_config["count"],
        name=next_name(job.name),
        max_cost="" if job.max_cost is None else f"{job.max_cost:f}",
        sentinel={kind.value: action.value for kind, action in sentinel.in_force(job.sentinel).items()},
        cloned_from=job,
    )
    start.missing.extend(_missing(start, datasets=datasets, base_models=base_models, gpu_types=gpu_types))
    start.missing.extend(
        f"Its setting {name} is not known any more: it was left out."
        for name in job.hyperparameters
        if name not in presets.FIELDS
    )
    return start


def next_name(name: str) -> str:
    """A name for a job that follows the one of this name: "Desk" -> "Desk 2", "Desk 2" -> "Desk 3"."""
    counted = re.fullmatch(r"(.*\S) ([1-9]\d{0,3})", name)
    stem, number = (counted[1], int(counted[2]) + 1) if counted else (name, 2)
    ending = f" {number}"
    return stem[: NAME_LENGTH - len(ending)] + ending


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """0.0 is written 0."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in values.items()
    }


def _missing(
    start: Start,
    *,
    datasets: QuerySet[Dataset],
    base_models: Iterable[BaseModel],
    gpu_types: Iterable[selectors.GpuType],
) -> Iterable[str]:
    used = [id for id in (start.dataset, start.validation_dataset) if id]
    ready = {str(id) for id in datasets.filter(pk__in=used).values_list("pk", flat=True)}
    if start.dataset not in ready:
        yield "Its dataset was deleted or is not ready: choose another one."
    if start.validation_dataset and start.validation_dataset not in ready:
        yield "Its validation dataset was deleted or is not ready: a part of the dataset will be held out instead."
    if start.base_model not in {model.name for model in base_models}:
        yield f"Its base model {start.base_model} is not on offer any more: choose another one."
    if start.gpu_type not in {gpu.type for gpu in gpu_types}:
        yield f"Its GPU type {start.gpu_type} is not on offer any more: choose another one."
