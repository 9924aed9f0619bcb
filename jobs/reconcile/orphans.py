"""The sweep for orphans: what a cluster runs for us although nobody follows it any more.

A cluster that lists its jobs (`lookup`) is asked for those that have not ended. Only those with our installation's
label are looked at: neighbours' jobs are never touched. One whose row has ended, or follows another run by now, is
stopped. One without a row is reported, never stopped: perhaps it is the database that forgot. Safe to run twice at
once: a stop may be repeated, and operators are told once.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from jobs import alerts, costs, ids, lifecycle
from jobs.clusters import registry
from jobs.clusters.base import ENDED_STATES, ClusterError, Known, NoSuchJob, Polled, PollRequest, Status
from jobs.models import Installation, TrainingJob
from jobs.reconcile import gate
from jobs.reconcile.accept import SETTLE_FOR
from jobs.states import ACTIVE

logger = logging.getLogger(__name__)

# A sweep ends before the next one begins, however many pages a cluster lists.
SWEEP_FOR = timedelta(minutes=3)
AT_ONCE = 200


def sweep() -> None:
    """Look for orphans at every cluster that can list its jobs; harmless when repeated."""
    for name in registry.cluster_names():
        try:
            door = gate.enter(name, may_probe=False)
            if door.capabilities.has("lookup"):
                _sweep(door)
        except gate.GateClosed as closed:
            logger.info("No sweep for orphans at %s: %s", name, closed.reason)
        except ClusterError as error:
            gate.note_failure(name, error)
            logger.warning("The sweep for orphans at %s broke off: %s", name, error.message)


def _sweep(door: gate.Gate) -> None:
    began = timezone.now()
    installation, _ = Installation.objects.get_or_create(singleton=True)
    listed = door.cluster.active()
    ours = (known for known in listed if known.labels.get("installation") == str(installation.pk))
    for page in _pages(known for known in ours if known.state not in ENDED_STATES):
        # Read after the listing: whatever runs was intended, and stored, before.
        rows = TrainingJob.objects.prefetch_related("attempts").in_bulk(
            [pk for known in page if (pk := ids.parsed(known.job_id))]
        )
        for known in page:
            if timezone.now() - began > SWEEP_FOR:
                logger.warning("The sweep for orphans at %s ran out of time; the next one goes on", door.name)
                return
            job_id = ids.parsed(known.job_id)
            _judge(door, known, rows.get(job_id) if job_id else None, began)
    gate.note_success(door)


def _judge(door: gate.Gate, known: Known, job: TrainingJob | None, began: datetime) -> None:
    number = _attempt(known, job)
    if job is None:
        _report(door, known, f"no job here has its id ({known.job_id[:60]})")
    elif job.is_terminal:
        if job.completed_at is not None and job.completed_at + SETTLE_FOR <= began:
            _stop(door, known, job, number, f"the job has {job.status} here")
    elif known.external_job_id == job.external_job_id or job.cluster != door.name:
        return  # followed; or another cluster's matter
    elif number is not None and number > job.attempt:
        _report(door, known, f"job {job.short_id} knows of {job.attempt} attempts only")
    elif number is not None and number < job.attempt:
        _stop(door, known, job, number, f"the job is at its attempt {job.attempt} by now")
    elif job.external_job_id:
        _stop(door, known, job, number, f"the job runs as {job.external_job_id[:60]}")
    # else: its submission is under way, or its outcome unknown: whoever submits it finds this run.


def _stop(door: gate.Gate, known: Known, job: TrainingJob, number: int | None, why: str) -> None:
    """Stop a run that nobody follows, unless it has ended by itself since it was listed."""
    follower = _follower(door, known)
    if follower is not None:
        _report(door, known, f"lists it for job {job.short_id} while job {follower.short_id} follows it")
        return
    run = f"{known.external_job_id[:60]} of job {job.short_id}, attempt {number or '?'},"
    try:
        status = _now(door, known)
        if status is None or status.state in ENDED_STATES:
            return
        door.cluster.cancel(
            known.external_job_id,
            reason="nobody follows it any more",
            keep_adapter=False,
            capabilities=door.capabilities,
        )
    except NoSuchJob:
        return
    except ClusterError as error:
        gate.note_failure(door.name, error, about=str(job.pk))
        message = f"{run} still runs at {door.name}, though {why}, and could not be stopped yet: {error.message}"
        alerts.record_once("orphan_found", _subject(door, known), message)
        return
    message = f"{run} still ran at {door.name}, though {why}: it was told to stop. {_money(job, number, status)}"
    with transaction.atomic():
        if alerts.record_once("orphan_stopped", _subject(door, known), message, detail={"job_id": str(job.pk)}):
            lifecycle.record(job, "orphan", message, detail={"external_job_id": known.external_job_id})


def _report(door: gate.Gate, known: Known, why: str) -> None:
    message = (
        f"{door.name} runs {known.external_job_id[:60]} with the label of this installation, but {why}. It was left "
        "alone. Stop it at the cluster if it is not wanted: it may be billed."
    )
    alerts.record_once("orphan_found", _subject(door, known), message)


def _follower(door: gate.Gate, known: Known) -> TrainingJob | None:
    """The living job that runs under this id, whatever job the cluster lists it for."""
    living = TrainingJob.objects.filter(cluster=door.name, external_job_id=known.external_job_id, status__in=ACTIVE)
    return living.first()


def _now(door: gate.Gate, known: Known) -> Status | None:
    """How the run is at this moment; None where the cluster does not know it any more. Raises ClusterError."""
    request = PollRequest(known.external_job_id)
    answer = door.cluster.poll([request], capabilities=door.capabilities).get(known.external_job_id)
    if isinstance(answer, Polled):
        return answer.status
    if isinstance(answer, ClusterError) and not isinstance(answer, NoSuchJob):
        raise answer
    return None


def _money(job: TrainingJob, number: int | None, status: Status) -> str:
    """What the run has cost beyond what the job was billed for it."""
    if status.billing is None:
        return "The cluster does not say what it has billed for it."
    attempt = next((each for each in job.attempts.all() if each.number == number), None)
    seconds = status.billing.billable_seconds
    charged = attempt.billable_seconds if attempt is not None else 0.0
    extra = costs.amount(
        price_per_hour=job.gpu_price_per_hour,
        gpu_count=job.gpu_config["count"],
        billable_seconds=max(0.0, seconds - charged),
    )
    return f"It has billed {seconds:,.0f} s so far; ${extra} of that are not in the job's cost."


def _attempt(known: Known, job: TrainingJob | None) -> int | None:
    """Which attempt it is: as the cluster says, else by the id that it has given to one."""
    if known.attempt is not None or job is None:
        return known.attempt
    return next((each.number for each in job.attempts.all() if each.external_job_id == known.external_job_id), None)


def _subject(door: gate.Gate, known: Known) -> str:
    return f"{door.name}/{known.external_job_id}"


def _pages(listed: Iterable[Known]) -> Iterator[list[Known]]:
    remaining = iter(listed)
    while page := list(islice(remaining, AT_ONCE)):
        yield page
