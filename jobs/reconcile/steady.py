"""Steady answers about many jobs, taken over a few at a time: one transaction for several jobs that just go on.

A transaction of its own for each would be most of what a poll costs, and on SQLite, where writers queue for the one
lock, most of how long it takes. Whatever else is said of a job (a change of status, a new run, trouble), and whatever
cannot be taken over here, is left to the caller, who takes it by itself.
"""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from threading import Lock
from time import monotonic, sleep

from django.db import connection
from django.utils import timezone

from jobs import lifecycle
from jobs.clusters.base import ClusterError, Polled
from jobs.lifecycle import Lease
from jobs.models import JobAttempt, TrainingJob
from jobs.reconcile import apply, gate
from jobs.states import Status

logger = logging.getLogger(__name__)

# Others wait for so many at most: some hundredths of a second.
AT_ONCE = 20
# SQLite's lock goes to whoever asks at the right moment, and who has waited for long asks ten times a second, who has
# just come far more often. So that a click or the tick gets its turn between thousands of polls, only one thread of a
# worker asks for it here, and leaves it alone for this part of the time that it was held.
LEFT_ALONE = 0.25
_turn = Lock()


def take(door: gate.Gate, answers: Mapping[Lease, Polled | ClusterError | None], *, is_last: bool) -> dict[Lease, bool]:
    """Apply those answers that say that a running job runs: the leases of their jobs, and whether each is given back.

    Leases are given back with what is stored, where that `is_last` thing to be done with them.
    """
    taken: dict[Lease, bool] = {}
    steady = [
        (lease, answer)
        for lease, answer in answers.items()
        if isinstance(answer, Polled) and answer.status.state == "running"
    ]
    for start in range(0, len(steady), AT_ONCE):
        some = dict(steady[start : start + AT_ONCE])
        try:
            with _turn if connection.vendor == "sqlite" else nullcontext():
                taken |= _take(door, some, is_last=is_last)
        except Exception:
            # All of these are as they were; the one whose trouble it is says so when it is taken by itself.
            logger.info("Several jobs at once did not work; each is taken by itself", exc_info=True)
    return taken


def _take(door: gate.Gate, answers: Mapping[Lease, Polled], *, is_last: bool) -> dict[Lease, bool]:
    taken = {}
    with lifecycle.locked_together(answers) as jobs:
        began = monotonic()
        rows = JobAttempt.objects.filter(job__in=[job.pk for job in jobs.values()]).order_by("number")
        attempts = {attempt.job_id: attempt for attempt in rows}  # the newest is the present one
        reports, before = [], []
        for lease, job in jobs.items():
            attempt, answer = attempts.get(job.pk), answers[lease]
            if attempt is not None and _goes_on(job, attempt, answer):
                reports.append(apply.Report(job, attempt, answer))
                before.append((dict(vars(job)), dict(vars(attempt))))
                taken[lease] = is_last and not answer.has_more
                if taken[lease]:
                    lifecycle.give_back(job)
        apply.reports(reports, door.capabilities, now=timezone.now())
        for report, (job_was, attempt_was) in zip(reports, before, strict=True):
            _save(report.job, job_was)
            _save(report.attempt, attempt_was)
    if connection.vendor == "sqlite":
        sleep(LEFT_ALONE * (monotonic() - began))
    return taken


def _goes_on(job: TrainingJob, attempt: JobAttempt, answer: Polled) -> bool:
    """Whether a report says of a running job that it runs, and of the run that is followed."""
    return (
        job.status == Status.RUNNING
        and not job.cluster_result
        and attempt.number == job.attempt
        and attempt.external_job_id == job.external_job_id == answer.status.external_job_id
        and attempt.restart == answer.status.restart
    )


def _save(row: TrainingJob | JobAttempt, was: Mapping[str, object]) -> None:
    """Save the columns of a row whose values are others than they `was`: of a run that goes on, a few of many.

    JSON counts as another value once it was put there anew, whatever is in it: the old one may be a part of it.
    """
    now = vars(row)
    if now.get("status") != was.get("status"):  # asked to stop, and saved on the way: the row is not as it was
        row.save()
        return
    changed = [
        field.name
        for field in row._meta.concrete_fields
        if field.name == "updated_at" or _is_another(was[field.attname], now[field.attname])
    ]
    row.save(update_fields=changed)


def _is_another(old: object, new: object) -> bool:
    return new is not old and (isinstance(new, dict | list) or new != old)
