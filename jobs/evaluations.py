"""Evaluations of several jobs, read by themselves: they are few among many points and have an index of their own."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Min

from jobs.models import MetricsPoint, TrainingJob


@dataclass(frozen=True)
class Evaluation:
    loss: float
    step: int


def best(jobs: Iterable[TrainingJob]) -> dict[uuid.UUID, Evaluation]:
    """The lowest validation loss of each job that has one, of equal ones the first.

    Evaluations that a later attempt or restart took back do not count. At most two queries, whatever the jobs.
    """
    jobs = list(jobs)
    takeovers = _takeovers([job.pk for job in jobs if job.loss_outline.get("run", [1, 0]) > [1, 0]])
    found: dict[uuid.UUID, Evaluation] = {}
    points = MetricsPoint.objects.filter(job__in=jobs, validation_loss__isnull=False)
    rows = points.order_by("job", "attempt", "restart", "step")
    for job_id, attempt, restart, step, loss in rows.values_list(
        "job_id", "attempt", "restart", "step", "validation_loss"
    ).iterator(chunk_size=2000):
        if any(run > (attempt, restart) and step >= first for run, first in takeovers.get(job_id, ())):
            continue
        known = found.get(job_id)
        if loss is not None and (known is None or loss < known.loss):
            found[job_id] = Evaluation(loss, step)
    return found


def _takeovers(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[tuple[tuple[int, int], int]]]:
    """((attempt, restart), its first step) of each run of the jobs."""
    if not ids:
        return {}
    runs = MetricsPoint.objects.filter(job_id__in=ids).order_by().values_list("job_id", "attempt", "restart")
    found: dict[uuid.UUID, list[tuple[tuple[int, int], int]]] = {id: [] for id in ids}
    for job_id, attempt, restart, first in runs.annotate(first=Min("step")):
        found[job_id].append(((attempt, restart), first))
    return found
