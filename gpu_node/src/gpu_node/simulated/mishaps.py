"""What may go wrong with a simulated run, on purpose. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class MishapKind(StrEnum):
    FAIL = "fail"
    OUT_OF_MEMORY = "out_of_memory"
    NAN_LOSS = "nan_loss"
    NODE_LOST = "node_lost"
    PREEMPTED = "preempted"
    HANG = "hang"
    IGNORES_STOP = "ignores_stop"
    FINISHES_ON_STOP = "finishes_on_stop"


DEFAULT_MESSAGES = {
    MishapKind.FAIL: ("training_failed", "The training program ended with an error."),
    MishapKind.OUT_OF_MEMORY: (
        "out_of_memory",
        "CUDA out of memory. Lower batch_size or the sequence length, or use GPUs with more memory.",
    ),
    MishapKind.NAN_LOSS: ("nan_loss", "The loss is not a number any more. Lower the learning rate."),
    MishapKind.NODE_LOST: ("node_lost", "The machine that ran this job does not answer any more."),
}


@dataclass(frozen=True)
class Mishap:
    """One thing that goes wrong when training reaches `at_step`.

    `for_s` (wall seconds): how long a preemption, hang or ignored stop lasts; None means for ever (for a
    preemption: half a minute of the machine's time). `survives` lets a NaN loss go on to the end.
    """

    kind: MishapKind
    at_step: int = 1
    for_s: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    survives: bool = False

    def error(self) -> tuple[str, str]:
        """Code and message that a failing mishap ends the run with."""
        code, message = DEFAULT_MESSAGES.get(self.kind, DEFAULT_MESSAGES[MishapKind.FAIL])
        return self.error_code or code, self.error_message or message
