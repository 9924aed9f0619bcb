"""What cancelling a job means for it as it stands: what is billed, what is kept, what is lost."""

from dataclasses import dataclass

from jobs.models import TrainingJob
from jobs.states import Status


@dataclass(frozen=True)
class Terms:
    """Sentences for the dialog; `can_keep`: there is an adapter to keep, and the cluster can do it."""

    billed: str
    kept: str
    lost: str
    can_keep: bool


def terms(job: TrainingJob, *, can_keep: bool, newest: int | None) -> Terms:
    """For a job as its row says; `can_keep`: its cluster keeps adapters, `newest`: the step of its last checkpoint."""
    return Terms(
        billed=_billed(job),
        kept=_kept(job, newest),
        lost=_lost(job, newest, can_keep=can_keep),
        can_keep=can_keep and job.has_learned,
    )


def _billed(job: TrainingJob) -> str:
    if job.cluster_result:
        return "The GPUs are free already; nothing more is billed."
    if job.status == Status.QUEUED:
        no_run = "the job is not at the cluster yet" if job.attempt == 1 else "between two attempts nothing runs"
        return f"Nothing is being billed: {no_run}."
    if job.status == Status.INITIALIZING and not job.current_cost:
        return "Nothing was billed: training has not started."
    return "Billing stops when the cluster has freed the GPUs, which takes some seconds to minutes."


def _kept(job: TrainingJob, newest: int | None) -> str:
    if not job.metrics_count and newest is None:
        return "Its configuration and timeline."
    if newest is None:
        return "Metrics, log, costs and timeline."
    return f"Metrics, log, costs, timeline and the checkpoints: a new job can go on from step {newest:,}."


def _lost(job: TrainingJob, newest: int | None, *, can_keep: bool) -> str:
    if job.cluster_result:
        return "Nothing: training has ended already, and its files go on into storage."
    if not job.has_learned:
        return "Nothing but its turn: no step has been trained yet."
    since = f"after step {newest:,}" if newest is not None else "so far"
    if can_keep:
        return f"What it learned {since}, unless its adapter is kept."
    return f"What it learned {since}: this cluster cannot hand over the adapter of a stopped run."
