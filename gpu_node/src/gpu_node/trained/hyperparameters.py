"""What the trainer takes, with defaults and ranges: an order with anything else is refused by name. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpu_node.spec import FieldProblem

Value = int | float | bool | str


@dataclass(frozen=True)
class Hyperparameter:
    """Its default, whose type is the value's, and its range (both ends included) or its choices."""

    default: Value
    least: float = 0.0
    most: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule as a phrase: "a whole number from 1 to 256"."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.least:g} to {self.most:g}"

    def accepts(self, value: object) -> bool:
        if isinstance(self.default, str):
            return value in self.choices
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        whole = not isinstance(self.default, int) or value == int(value)
        return whole and self.least <= value <= self.most


KNOWN: Mapping[str, Hyperparameter] = {
    "learning_rate": Hyperparameter(2e-4, 1e-6, 1e-2),
    "batch_size": Hyperparameter(4, 1, 64),
    "epochs": Hyperparameter(3.0, 1, 50),
    "rank": Hyperparameter(16, 1, 256),
    "alpha": Hyperparameter(32.0, 1, 1024),
    "dropout": Hyperparameter(0.05, 0, 0.5),
    "gradient_accumulation_steps": Hyperparameter(1, 1, 128),
    "warmup_ratio": Hyperparameter(0.03, 0, 0.5),
    "lr_scheduler": Hyperparameter("cosine", choices=("cosine", "linear", "constant")),
    "weight_decay": Hyperparameter(0.0, 0, 1),
    "max_length": Hyperparameter(2048, 64, 131_072),
    "seed": Hyperparameter(42, 0, 2**31 - 1),
    "max_steps": Hyperparameter(0, 0, 1_000_000),
    "target_modules": Hyperparameter("all-linear", choices=("all-linear", "attention")),
    "use_rslora": Hyperparameter(False),
    "quantization": Hyperparameter("none", choices=("none", "nf4")),
    "packing": Hyperparameter(False),
    "validation_split": Hyperparameter(0.1, 0, 0.5),
    "eval_steps": Hyperparameter(0, 0, 1_000_000),
    "save_steps": Hyperparameter(0, 0, 1_000_000),
    "logging_steps": Hyperparameter(1, 1, 1000),
    "early_stopping_patience": Hyperparameter(0, 0, 100),
}


def refusals(given: Mapping[str, Any]) -> list[FieldProblem]:
    """One problem per value that the trainer would not take."""
    problems = []
    for name, value in given.items():
        known = KNOWN.get(name)
        if known is None:
            message = f"is unknown here; known are {', '.join(KNOWN)}"
            problems.append(FieldProblem(f"hyperparameters.{name[:100]}", message))
        elif not known.accepts(value):
            problems.append(FieldProblem(f"hyperparameters.{name}", f"must be {known.rule}"))
    return problems


def complete(given: Mapping[str, Any]) -> dict[str, Value]:
    """All hyperparameters, each in the type of its default; what was not given has its default."""
    return {name: type(known.default)(given.get(name, known.default)) for name, known in KNOWN.items()}
