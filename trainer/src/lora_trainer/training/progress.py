"""How far a run has come: what a checkpoint remembers and the summary tells. No torch."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "progress.json"


@dataclass
class Progress:
    """Figures since the very first step, over all restarts. Tokens are those of all devices."""

    total_steps: int = 0
    step: int = 0
    epoch: float = 0.0
    seconds: float = 0.0  # of training, evaluations included
    trained_tokens: int = 0  # with loss
    processed_tokens: int = 0  # all but padding
    losses: list[float] = field(default_factory=list)  # of the last tenth of the run
    validation_loss: float | None = None
    base_validation_loss: float | None = None
    best_validation_loss: float | None = None
    best_step: int | None = None
    evaluated_step: int | None = None
    evaluations_without_gain: int = 0
    peak_memory: int | None = None
    dataset_sha256: str | None = None
    device: str = ""
    dtype: str = ""
    examples: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    def add_step(self, step: int, epoch: float, loss: float, seconds: float) -> None:
        self.step, self.epoch = step, epoch
        self.seconds += seconds
        self.losses = [*self.losses, loss][-max(1, self.total_steps // 10) :]

    def add_evaluation(self, loss: float) -> bool:
        """Takes over the validation loss at the present step; says whether it is the best so far."""
        self.validation_loss, self.evaluated_step = loss, self.step
        if self.step == 0:
            self.base_validation_loss = loss
            return False
        if self.best_validation_loss is None or loss < self.best_validation_loss:
            self.best_validation_loss, self.best_step = loss, self.step
            self.evaluations_without_gain = 0
            return True
        self.evaluations_without_gain += 1
        return False

    @property
    def training_loss(self) -> float | None:
        """The mean over the last tenth of the run."""
        return sum(self.losses) / len(self.losses) if self.losses else None

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")


def load_progress(folder: Path) -> Progress:
    return Progress(**json.loads((folder / FILE).read_text("utf-8")))
