"""The hyperparameters of a job: canonical names, defaults, ranges and what the form says about them. Pure.

The trainer has the same names and ranges (trainer/src/lora_trainer/hyperparameters.py); none imports the other.
"""

from dataclasses import dataclass
from typing import Any

Value = bool | int | float | str


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
        return f"{kind} from {plain(self.minimum)} to {plain(self.maximum)}"

    def shown(self, value: Any) -> Any:
        """The value as people read it: "yes" for true, "automatic" for a 0 that means so, else the value."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return self.zero if self.zero and value == 0 else value


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


def plain(number: float | None) -> str:
    """A number without needless zeros: 1e-6, 0.5, 256."""
    return f"{number:.12g}".replace("e-0", "e-") if number is not None else ""
