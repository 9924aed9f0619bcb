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

Value = bool | int | float | str

MAX_GPUS = 8


@dataclass(frozen=True)
class Field:
    """One hyperparameter: its default, its range (both ends included), its choices or yes and no, and help.

    `zero` is what a 0 means in words where it is no amount: "automatic", "off".
    """

    name: str
    label: str
    default: Value
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    zero: str = ""

    @property
    def is_flag(self) -> bool:
        return isinstance(self.default, bool)

    @property
    def is_whole(self) -> bool:
        return isinstance(self.default, int) and not self.is_flag

    @property
    def requirement(self) -> str:
        """The rule as a phrase: "a whole number from 1 to 256"."""
        if self.is_flag:
            return "true or false"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = "a whole number" if self.is_whole else "a number"
        return f"{kind} from {_plain(self.minimum)} to {_plain(self.maximum)}"

    def shown(self, value: Any) -> Any:
        """The value as people read it: "yes" for true, "automatic" for a 0 that means so, else the value."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return self.zero if self.zero and value == 0 else value


@dataclass(frozen=True)
class Preset:
    id: str
    label: str
    description: str
    hyperparameters: Mapping[str, Value]


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("learning_rate", "Learning rate", 2e-4, "How far each step moves the weights.", 1e-6, 1e-2),
        Field("batch_size", "Batch size", 4, "Examples per step and GPU.", 1, 64),
        Field("epochs", "Epochs", 3, "How often the whole dataset is seen.", 1, 50),
        Field("max_steps", "Maximum steps", 0, "Stops after so many steps.", 0, 1_000_000, zero="by epochs"),
        Field("rank", "LoRA rank", 16, "Size of the adapter: higher learns more and costs memory.", 1, 256),
        Field("alpha", "LoRA alpha", 32, "Scale of the adapter; twice the rank is a good start.", 1, 1024),
        Field("dropout", "LoRA dropout", 0.05, "Share of the adapter's inputs dropped while training.", 0.0, 0.5),
        Field(
            "target_modules",
            "Adapted layers",
            "all-linear",
            "All linear layers learn more; attention alone makes a smaller adapter.",
            choices=("all-linear", "attention"),
        ),
        Field("use_rslora", "Rank-stabilised scaling", False, "Keeps high ranks (from 64) learning: rsLoRA."),
        Field(
            "quantization",
            "Quantization",
            "none",
            "nf4 keeps the base model in 4 bits (QLoRA): a quarter of the memory, slower steps.",
            choices=("none", "nf4"),
        ),
        Field("gradient_accumulation_steps", "Gradient accumulation", 1, "Batches added up before a step.", 1, 128),
        Field("warmup_ratio", "Warm-up", 0.03, "Share of all steps in which the learning rate rises.", 0.0, 0.5),
        Field(
            "lr_scheduler",
            "Schedule",
            "cosine",
            "How the learning rate falls.",
            choices=("cosine", "linear", "constant"),
        ),
        Field("weight_decay", "Weight decay", 0.0, "Pulls the adapter's weights towards zero.", 0.0, 1.0),
        Field("max_length", "Maximum length", 2048, "Tokens per example; longer ones are cut.", 64, 131_072),
        Field("packing", "Packing", False, "Fills each row with several short examples: fewer, fuller steps."),
        Field(
            "validation_split",
            "Validation split",
            0.1,
            "Share of the examples held out to measure the validation loss.",
            0.0,
            0.5,
            zero="none",
        ),
        Field("seed", "Seed", 42, "The same seed shuffles and starts the same way.", 0, 2**31 - 1),
        Field("eval_steps", "Evaluate every", 0, "Steps between evaluations.", 0, 1_000_000, zero="automatic"),
        Field("save_steps", "Checkpoint every", 0, "Steps between checkpoints.", 0, 1_000_000, zero="automatic"),
        Field("logging_steps", "Log every", 1, "Steps between points of the training curve.", 1, 1000),
        Field(
            "early_stopping_patience",
            "Early stopping",
            0,
            "Evaluations without improvement before the run stops.",
            0,
            100,
            zero="off",
        ),
    )
}


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


def _plain(number: float | None) -> str:
    return f"{number:.12g}".replace("e-0", "e-") if number is not None else ""


def _shown(given: Any) -> str:
    text = json.dumps(given, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"


def _raise_for(problems: dict[str, list[str]]) -> None:
    if problems:
        raise InvalidJob.of_fields(problems)
