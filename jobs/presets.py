"""Presets and hyperparameters: from what a user sends to one complete, canonical configuration. Pure.

Canonical names are those of FIELDS; a job stores all of them, so that it can be repeated when a default
changes. Whatever is unknown or out of range is refused with its name and range, never ignored. `batch_size`
is per GPU.
"""

import difflib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.exceptions import InvalidJob
from jobs.hyperparameters import FIELDS, Field, Value

__all__ = [
    "DEFAULT_PRESET",
    "FIELDS",
    "MAX_GPUS",
    "PRESETS",
    "Field",
    "Preset",
    "Value",
    "effective_batch_size",
    "resolve",
    "resolve_gpus",
    "unknown_key",
]

MAX_GPUS = 8


@dataclass(frozen=True)
class Preset:
    id: str
    label: str
    description: str
    hyperparameters: Mapping[str, Value]


def _preset(id: str, label: str, description: str, *values: Value) -> Preset:
    names = ("learning_rate", "batch_size", "epochs", "rank", "alpha", "dropout")
    return Preset(id, label, description, dict(zip(names, values, strict=True)))


DEFAULT_PRESET = "recommended"
PRESETS: dict[str, Preset] = {
    preset.id: preset
    for preset in (
        _preset("recommended", "Recommended", "A good first choice for most datasets.", 2e-4, 4, 3, 16, 32, 0.05),
        _preset(
            "fast", "Quick Test", "One short pass: shows that everything works, hardly learns.", 1e-4, 8, 1, 8, 16, 0.05
        ),
        _preset(
            "balanced", "Balanced", "Careful steps, for data that must not be over-learned.", 5e-5, 4, 3, 16, 32, 0.1
        ),
        _preset("quality", "Quality", "More passes and a larger adapter: slower and dearer.", 3e-5, 2, 5, 32, 64, 0.1),
        _preset("custom", "Custom", "Starts as Recommended; set every value yourself.", 2e-4, 4, 3, 16, 32, 0.05),
    )
}

# What other programs call the same thing: an answer better than the nearest spelling.
_OTHER_NAMES = {
    "lora_rank": "rank",
    "lora_r": "rank",
    "r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lr": "learning_rate",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "lr_scheduler_type": "lr_scheduler",
    "max_seq_length": "max_length",
    "lora_target_modules": "target_modules",
    "rslora": "use_rslora",
    "load_in_4bit": "quantization",
    "sample_packing": "packing",
    "val_set_size": "validation_split",
    "num_gpus": "count",
    "gpu_count": "count",
    "gpu_type": "type",
}


def resolve(preset_id: str, overrides: Mapping[str, Any]) -> dict[str, Value]:
    """Every hyperparameter, in FIELDS' order: defaults, then the preset, then what the user set.

    Raises InvalidJob with all problems at once, under keys such as "hyperparameters.rank".
    """
    if preset_id not in PRESETS:
        raise InvalidJob.of_fields({"preset_id": [unknown_key(preset_id, PRESETS)]})
    problems: dict[str, list[str]] = {}
    values: dict[str, Value] = {name: field.default for name, field in FIELDS.items()}
    values.update(PRESETS[preset_id].hyperparameters)
    for name, given in overrides.items():
        field = FIELDS.get(name)
        value = None if field is None else _accepted(field, given)
        if field is None:
            problems[f"hyperparameters.{name}"] = [unknown_key(name, FIELDS)]
        elif value is None:
            problems[f"hyperparameters.{name}"] = [f"Must be {field.requirement}, not {_shown(given)}."]
        else:
            values[name] = value
    _raise_for(problems)
    return values


def resolve_gpus(gpu_config: Mapping[str, Any], known_types: Collection[str]) -> dict[str, Any]:
    """{"type", "count"}, checked. Raises InvalidJob under "gpu_config.type" and "gpu_config.count"."""
    problems = {
        f"gpu_config.{name}": [unknown_key(name, ("type", "count"))]
        for name in gpu_config
        if name not in ("type", "count")
    }
    gpu_type, count = gpu_config.get("type"), gpu_config.get("count", 1)
    if not isinstance(gpu_type, str) or gpu_type not in known_types:
        offered = ", ".join(sorted(known_types)) or "none at the moment"
        said = "is missing" if gpu_type is None else f"{_shown(gpu_type)} is not offered"
        problems["gpu_config.type"] = [f"The GPU type {said}. Offered: {offered}."]
    whole = _number(count)
    if whole is None or not whole.is_integer() or not 1 <= whole <= MAX_GPUS:
        problems["gpu_config.count"] = [f"Must be a whole number from 1 to {MAX_GPUS}, not {_shown(count)}."]
    _raise_for(problems)
    return {"type": gpu_type, "count": int(count)}


def effective_batch_size(hyperparameters: Mapping[str, Any], gpu_count: int) -> int:
    """Examples behind one optimizer step: batch per GPU x GPUs x accumulated batches."""
    accumulated = hyperparameters.get("gradient_accumulation_steps", 1)
    return int(hyperparameters["batch_size"]) * gpu_count * int(accumulated)


def unknown_key(name: str, known: Collection[str]) -> str:
    """A sentence about a key that does not exist, with the one that was probably meant.

    Known keys may have a path, such as "gpu_config.count": then `num_gpus` finds it.
    """
    paths = {path.rpartition(".")[2]: path for path in known}
    close = difflib.get_close_matches(_OTHER_NAMES.get(name, name)[:64], list(paths), n=1)
    if close:
        return f"Unknown: did you mean {paths[close[0]]}?"
    return f"Unknown: must be one of {', '.join(path for path in known if '.' not in path)}."


def _accepted(field: Field, given: Any) -> Value | None:
    """The value in the field's own type, or None if it breaks the field's rule."""
    if field.is_flag:
        return given if isinstance(given, bool) else None
    if field.choices:
        return given if isinstance(given, str) and given in field.choices else None
    number = _number(given)
    if number is None or field.minimum is None or field.maximum is None:
        return None
    if not field.minimum <= number <= field.maximum or (field.is_whole and not number.is_integer()):
        return None
    return int(number) if field.is_whole else number


def _number(given: Any) -> float | None:
    """A finite number; neither a boolean nor a number in a string."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _shown(given: Any) -> str:
    text = json.dumps(given, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"


def _raise_for(problems: dict[str, list[str]]) -> None:
    if problems:
        raise InvalidJob.of_fields(problems)
