"""The hyperparameters of a run: every name, its default and its range. Pure.

An unknown name is refused, since a value that nothing reads would be a silent lie about the run.
"""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from lora_trainer.errors import SettingsInvalid


def _number(default: float, least: float, most: float) -> Any:
    return field(default=default, metadata={"least": least, "most": most})


def _choice(*choices: str) -> Any:
    return field(default=choices[0], metadata={"choices": choices})


@dataclass(frozen=True)
class Hyperparameters:
    """`batch_size` is per device. 0 means automatic for `eval_steps` and `save_steps`, off for `max_steps` and
    `early_stopping_patience`."""

    learning_rate: float = _number(2e-4, 1e-6, 1e-2)
    batch_size: int = _number(4, 1, 64)
    epochs: float = _number(3.0, 1, 50)
    rank: int = _number(16, 1, 256)
    alpha: float = _number(32.0, 1, 1024)
    dropout: float = _number(0.05, 0, 0.5)
    gradient_accumulation_steps: int = _number(1, 1, 128)
    warmup_ratio: float = _number(0.03, 0, 0.5)
    lr_scheduler: str = _choice("cosine", "linear", "constant")
    weight_decay: float = _number(0.0, 0, 1)
    max_length: int = _number(2048, 64, 131_072)
    seed: int = _number(42, 0, 2**31 - 1)
    max_steps: int = _number(0, 0, 1_000_000)
    target_modules: str = _choice("all-linear", "attention")
    use_rslora: bool = False
    quantization: str = _choice("none", "nf4")
    packing: bool = False
    validation_split: float = _number(0.1, 0, 0.5)
    eval_steps: int = _number(0, 0, 1_000_000)
    save_steps: int = _number(0, 0, 1_000_000)
    logging_steps: int = _number(1, 1, 1000)
    early_stopping_patience: int = _number(0, 0, 100)


def read_hyperparameters(given: Mapping[str, Any]) -> Hyperparameters:
    """Defaults with the given values; raises SettingsInvalid that names every unknown or wrong one."""
    known = {each.name: each for each in fields(Hyperparameters)}
    problems = [_unknown(name, list(known)) for name in given if name not in known]
    values = {}
    for name, value in given.items():
        if name in known:
            try:
                values[name] = _accept(known[name], value)
            except ValueError as error:
                problems.append(f"{name} must be {error}, not {_shown(value)}.")
    if problems:
        raise SettingsInvalid("Hyperparameters: " + " ".join(problems))
    return Hyperparameters(**values)


def _accept(known: Field[Any], value: Any) -> Any:
    """The value in the field's type; raises ValueError with the rule as a phrase."""
    default = known.default
    if default is MISSING:
        raise TypeError(f"{known.name} needs a default")
    if "choices" in known.metadata:
        if value not in known.metadata["choices"]:
            raise ValueError("one of " + ", ".join(known.metadata["choices"]))
        return value
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    whole, least, most = isinstance(default, int), known.metadata["least"], known.metadata["most"]
    rule = f"a {'whole ' if whole else ''}number from {least:g} to {most:,}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(rule)
    if not least <= value <= most or (whole and value != int(value)):
        raise ValueError(rule)
    return int(value) if whole else float(value)


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{_shown(name)} is unknown" + (f"; did you mean {close[0]}?" if close else ".")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
