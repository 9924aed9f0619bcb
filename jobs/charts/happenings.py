"""What happened to a run at which step, for the marks of its pictures. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Checkpoint:
    """One in storage. `is_best`: none of the job's has a lower validation loss."""

    attempt: int
    restart: int
    step: int
    is_best: bool = False


@dataclass(frozen=True)
class Alert:
    """What was found to be wrong at a step, in a word or two."""

    step: int
    text: str


@dataclass(frozen=True)
class Marks:
    """All that is marked, but for where training resumed, which the points themselves tell."""

    checkpoints: tuple[Checkpoint, ...] = ()
    alerts: tuple[Alert, ...] = ()


NO_MARKS = Marks()
