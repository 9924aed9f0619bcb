"""Going on from a checkpoint of an ended job: which one, and what may differ from the job that saved it."""

from collections.abc import Mapping
from typing import Any

from jobs import selectors
from jobs.clusters.base import Capabilities
from jobs.exceptions import InvalidJob
from jobs.hyperparameters import FIELDS
from jobs.models import Checkpoint, JobAttempt, TrainingJob

LATEST, BEST = "latest", "best"
# Everything else shapes the adapter, or says which examples a step is made of: the step count would mean nothing.
CHANGEABLE = frozenset(
    {
        "learning_rate",
        "lr_scheduler",
        "warmup_ratio",
        "weight_decay",
        "epochs",
        "max_steps",
        "eval_steps",
        "save_steps",
        "logging_steps",
        "early_stopping_patience",
    }
)


def chosen(job: TrainingJob, which: str | Mapping[str, int]) -> Checkpoint:
    """The job's checkpoint that `which` means: "latest", "best" or {step, attempt?, restart?}, the newest that fits.

    Raises InvalidJob naming what there is instead.
    """
    saved = selectors.job_checkpoints(job).reverse()
    if which == BEST:
        found = selectors.job_best_checkpoint(job)
    elif isinstance(which, Mapping):
        found = saved.filter(**which).first()
    else:
        found = saved.first()
    if found is None:
        steps = ", ".join(str(step) for step in sorted(set(saved.values_list("step", flat=True))))
        there = f"This job's checkpoints: step {steps}." if steps else "This job has none in storage."
        raise InvalidJob.of_fields({"resume_from": [f"There is no such checkpoint. {there}"]})
    return found


def starting_point(job: TrainingJob, attempt: int, capabilities: Capabilities) -> Checkpoint | None:
    """Where that attempt of a job begins: the first where its user said, a later one at the newest checkpoint that
    the job has in storage itself and that leaves something to train. None is the beginning.
    """
    if attempt > 1 and capabilities.has("checkpoints"):
        own = selectors.job_checkpoints(job).filter(attempt__lt=attempt)
        unfinished = own.filter(step__lt=job.total_steps) if job.total_steps else own
        if newest := unfinished.last():
            return newest
    return job.resume_from


def check(ended: TrainingJob, checkpoint: Checkpoint, changes: Mapping[str, Any]) -> None:
    """Raises InvalidJob for settings that a resumed run cannot change, or that leave nothing to train."""
    before = {name: field.default for name, field in FIELDS.items()} | checkpoint.job.hyperparameters
    problems = {
        f"hyperparameters.{name}": [f"Cannot change where training goes on: it is {before[name]!r}. Leave it out."]
        for name, value in changes.items()
        if name in before and name not in CHANGEABLE and value != before[name]
    }
    after = before | ended.hyperparameters | dict(changes)
    limit = after["max_steps"]
    if isinstance(limit, int | float) and 0 < limit <= checkpoint.step:
        problems["hyperparameters.max_steps"] = [
            f"Must be more than {checkpoint.step}, the step of the checkpoint: there is nothing left to train."
        ]
    is_as_long = all(after[name] == before[name] for name in ("epochs", "max_steps"))
    if is_as_long and 0 < checkpoint.job.total_steps <= checkpoint.step:
        problems["resume_from"] = ["This checkpoint is the end of the run: give more epochs, or an earlier checkpoint."]
    if checkpoint.job.dataset.sha256 != trained_on(checkpoint.job):
        problems["resume_from"] = ["The dataset's file is another one by now: a resumed run would mix the two."]
    if problems:
        raise InvalidJob.of_fields(problems)


def trained_on(job: TrainingJob) -> str:
    """SHA-256 of the dataset's file as the job's cluster was given it; the present one before any submission."""
    asked = JobAttempt.objects.filter(job=job).order_by("-number").values_list("request", flat=True).first()
    return str((asked or {}).get("dataset_sha256") or job.dataset.sha256)
