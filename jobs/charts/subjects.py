"""Which charts there are of a job, and which lines stand in each. Pure.

The monitor page has the same ones (static/monitor/subjects.js); a test holds both against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One metric. `ink` is a colour of jobs.charts.inks. What is noisy from step to step `is_smoothed`; what is
    measured `now_and_then` is dashed, with a marker at each value."""

    metric: str
    label: str
    ink: str
    is_smoothed: bool = False
    now_and_then: bool = False
    is_filled: bool = False


@dataclass(frozen=True)
class Subject:
    """`unit` is that of the values, `span` what the y axis shows whatever they are."""

    title: str
    lines: tuple[Line, ...]
    unit: str = ""
    can_log: bool = False
    span: tuple[float, float] | None = None
    has_all_marks: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """In the order of the lines."""
        return tuple(line.metric for line in self.lines)

    @property
    def noun(self) -> str:
        """The title within a sentence."""
        return self.title if self.title[:2].isupper() else self.title.lower()

    @property
    def can_smooth(self) -> bool:
        """Whether any line has a smoothed course."""
        return any(line.is_smoothed for line in self.lines)

    @property
    def y_label(self) -> str:
        """What the y axis says."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


# By the names that they have in addresses.
SUBJECTS: Mapping[str, Subject] = {
    "loss": Subject(
        "Loss",
        (
            Line("training_loss", "Training", "training", is_smoothed=True),
            Line("validation_loss", "Validation", "validation", now_and_then=True),
        ),
        can_log=True,
        has_all_marks=True,
    ),
    "learning-rate": Subject("Learning rate", (Line("learning_rate", "Learning rate", "rate"),)),
    "gradient-norm": Subject(
        "Gradient norm", (Line("gradient_norm", "Gradient norm", "rate", is_smoothed=True),), can_log=True
    ),
    "throughput": Subject(
        "Throughput", (Line("throughput", "Tokens", "utilization", is_smoothed=True),), unit="tokens/s"
    ),
    "gpu-utilization": Subject(
        "GPU utilization",
        (Line("gpu_utilization", "GPU utilization", "utilization", is_smoothed=True, is_filled=True),),
        unit="%",
        span=(0, 100),
    ),
    "gpu-memory": Subject(
        "GPU memory", (Line("gpu_memory", "GPU memory", "utilization", is_filled=True),), unit="GiB, peak so far"
    ),
}
