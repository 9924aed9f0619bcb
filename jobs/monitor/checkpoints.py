"""The states of a job that training can go on from, as the page lists them."""

from dataclasses import dataclass
from datetime import datetime

from jobs import selectors
from jobs.models import TrainingJob


@dataclass(frozen=True)
class Saved:
    """One checkpoint; `size` in bytes. `is_best`: none of the job's has a lower validation loss."""

    attempt: int
    restart: int
    step: int
    epoch: float | None
    validation_loss: float | None
    size: int
    saved_at: datetime
    is_best: bool


def newest_first(job: TrainingJob) -> list[Saved]:
    """The job's checkpoints in storage."""
    best = selectors.job_best_checkpoint(job)
    return [
        Saved(
            attempt=row.attempt,
            restart=row.restart,
            step=row.step,
            epoch=row.epoch,
            validation_loss=row.validation_loss,
            size=sum(file.get("size") or 0 for file in row.files),
            saved_at=row.saved_at or row.created_at,
            is_best=row == best,
        )
        for row in selectors.job_checkpoints(job).reverse()
    ]
