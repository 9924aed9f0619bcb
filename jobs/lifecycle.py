"""The only writer of a job's status, and the leases under which reconcile works on a job.

A change of status is: legality check, conditional UPDATE, and its event, all in the caller's transaction.
A lease is a conditional UPDATE with a token: whoever finds it taken does nothing, and whoever lost it
writes nothing.
"""

import logging
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs import spending
from jobs.models import JobEvent, TrainingJob
from jobs.reasons import ErrorCode
from jobs.states import CANCELLABLE, TERMINAL, Stage, Status, is_legal

logger = logging.getLogger(__name__)

# Longer than any single call to a cluster may take (20 s), so that a living worker keeps what it claimed.
LEASE_SECONDS = 60
LONGEST_LEASE = timedelta(hours=1)

SYSTEM = "system"
CLUSTER = "cluster"


class LeaseLost(Exception):
    """Another worker took the job over: write nothing."""


class IllegalTransition(Exception):
    """The job's status does not allow the change, or changed under our hands."""


@dataclass(frozen=True)
class Lease:
    job_id: uuid.UUID
    token: uuid.UUID


def is_free(now: datetime) -> Q:
    """Jobs that nobody works on. One without an end, or further ahead than any, is a wrong clock's."""
    wrong = Q(lease_expires_at=None) | Q(lease_expires_at__gt=now + LONGEST_LEASE)
    return Q(lease_token=None) | Q(lease_expires_at__lt=now) | wrong


def claim(
    job_ids: Iterable[uuid.UUID | str],
    *,
    statuses: Collection[Status],
    now: datetime,
    seconds: float = LEASE_SECONDS,
) -> list[Lease]:
    """Take the leases of those jobs that are in one of `statuses` and not taken; as many queries however many jobs."""
    ids, token = list(job_ids), uuid.uuid4()
    count = TrainingJob.objects.filter(is_free(now), pk__in=ids, status__in=statuses).update(
        lease_token=token, lease_expires_at=now + timedelta(seconds=seconds)
    )
    if count in {0, len(ids)}:  # none or all: no need to ask which
        return [Lease(uuid.UUID(str(pk)), token) for pk in ids[:count]]
    taken = TrainingJob.objects.filter(pk__in=ids, lease_token=token).values_list("pk", flat=True)
    return [Lease(pk, token) for pk in taken]


def renew(lease: Lease, *, now: datetime, seconds: float = LEASE_SECONDS) -> None:
    """Keep a lease for another while. Raises LeaseLost."""
    kept = TrainingJob.objects.filter(pk=lease.job_id, lease_token=lease.token).update(
        lease_expires_at=now + timedelta(seconds=seconds)
    )
    if not kept:
        raise LeaseLost(str(lease.job_id))


def release(leases: Collection[Lease]) -> None:
    """Give leases back; harmless for those that were lost or given back."""
    if not leases:
        return
    held = TrainingJob.objects.filter(
        pk__in=[lease.job_id for lease in leases], lease_token__in={lease.token for lease in leases}
    )
    if held.exists():  # on SQLite a write that changes nothing would wait for its turn, too
        held.update(lease_token=None, lease_expires_at=None)


def give_back(job: TrainingJob) -> None:
    """Give a job's lease back together with what the caller saves of it, in the same write."""
    job.lease_token = job.lease_expires_at = None


@contextmanager
def leased(
    job_id: uuid.UUID | str, *, statuses: Collection[Status], seconds: float = LEASE_SECONDS
) -> Iterator[Lease | None]:
    """Claim a job's lease for the block, or None where it is taken. What the block may lose, it loses quietly."""
    leases = claim([job_id], statuses=statuses, now=timezone.now(), seconds=seconds)
    try:
        yield leases[0] if leases else None
    except LeaseLost:
        logger.info("Job %s was taken over by another worker", str(job_id)[:8])
    finally:
        release(leases)


@contextmanager
def locked(lease: Lease) -> Iterator[TrainingJob]:
    """A transaction in which the fresh row is ours alone. Raises LeaseLost.

    PostgreSQL locks the row; SQLite's immediate transactions lock the database.
    """
    with transaction.atomic():
        job = TrainingJob.objects.select_for_update().filter(pk=lease.job_id, lease_token=lease.token).first()
        if job is None:
            raise LeaseLost(str(lease.job_id))
        yield job


@contextmanager
def locked_together(leases: Collection[Lease]) -> Iterator[dict[Lease, TrainingJob]]:
    """A transaction in which the fresh rows of several jobs are ours alone; who lost a lease has no row."""
    tokens = {lease.job_id: lease for lease in leases}
    with transaction.atomic():
        # In one order, so that no two of these wait for each other.
        jobs = TrainingJob.objects.select_for_update().filter(pk__in=tokens).order_by("pk")
        yield {tokens[job.pk]: job for job in jobs if job.lease_token == tokens[job.pk].token}


def transition(
    job: TrainingJob,
    to: Status,
    *,
    actor: str,
    message: str,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Change a job's status together with `changes`, and write the event. Call inside a transaction.

    Raises IllegalTransition where the table forbids it or the row's status is no longer `job.status`.
    """
    source = job.status
    now = timezone.now()
    if not is_legal(source, to):
        raise IllegalTransition(f"{job.short_id}: {source} -> {to}")
    if to is Status.RUNNING and job.started_at is None:
        changes.setdefault("started_at", now)
    if to in TERMINAL:
        changes.update(
            completed_at=now, waiting_for="", estimated_completion_at=None, stage_detail="", stage_progress=None
        )
    if to is Status.COMPLETED:
        changes.update(current_stage=Stage.COMPLETED.value, progress=100.0)
    if to is Status.CANCELLED and job.stop_reason:
        changes.update(error_code=job.stop_reason, error_message=job.stop_message)
    changes.update(status=to.value, updated_at=now)
    if not TrainingJob.objects.filter(pk=job.pk, status=source).update(**changes):
        raise IllegalTransition(f"{job.short_id}: no longer {source}")
    for name, value in changes.items():
        setattr(job, name, value)
    record(job, "status", message, actor=actor, detail=detail, from_status=source, to_status=to.value)


def request_cancel(
    job: TrainingJob,
    *,
    actor: str,
    keep_adapter: bool,
    message: str = "Cancel was requested.",
    stop: tuple[ErrorCode, str] | None = None,
) -> bool:
    """Ask for a job's end, whoever asks; whether this call did. Saves the row, which the caller holds.

    `stop` is why the system asks, with a sentence for the user: what the job says once it is cancelled. A job that has
    ended or is being cancelled already stays as it is.
    """
    if job.status not in CANCELLABLE:
        return False
    now = timezone.now()
    job.cancel_requested_at = now
    job.cancel_requested_by = actor
    job.cancel_sent_at = None
    job.keep_adapter = keep_adapter
    if stop is not None:
        job.stop_reason, job.stop_message = stop[0].value, stop[1][:500]
    job.next_poll_at = now
    job.poll_failures = 0
    job.save()
    if job.status == Status.QUEUED and not job.submission_key:
        end_unsubmitted(job, actor)
    else:
        detail = {"code": job.stop_reason} if job.stop_reason else {}
        transition(job, Status.CANCELLING, actor=actor, message=message[:500], detail=detail)
    return True


def end_unsubmitted(job: TrainingJob, actor: str) -> None:
    """Nothing of this job is at a cluster, so nothing has to be stopped; what earlier attempts used is billed."""
    settle_cost(job)
    when = "it started" if job.attempt == 1 else "its next attempt"
    transition(
        job,
        Status.CANCELLED,
        actor=actor,
        message=f"Training was cancelled before {when}. {job.stop_message}".strip(),
        final_cost=job.final_cost,
        current_cost=job.current_cost,
    )


def settle_cost(job: TrainingJob) -> None:
    """Give a job that ends its final cost, the sum of its attempts; the caller saves it.

    An estimate that turns out to have been too high is corrected, and the timeline says so.
    """
    job.final_cost = spending.spent(job)
    if job.final_cost < job.current_cost:
        record(
            job,
            "cost",
            f"Cost corrected: ${job.current_cost} to ${job.final_cost}; the cluster's figure replaces our estimate.",
            detail={"from": float(job.current_cost), "to": float(job.final_cost)},
        )
    job.current_cost = job.final_cost


def record(
    job: TrainingJob,
    kind: str,
    message: str,
    *,
    actor: str = SYSTEM,
    detail: dict[str, Any] | None = None,
    from_status: str = "",
    to_status: str = "",
) -> None:
    """Write one line of the job's timeline. `kind`: status, stage, submission, cost, artifact, checkpoint, warning,
    orphan (a run of this job's that nobody followed any more).
    """
    JobEvent.objects.create(
        job=job,
        owner_id=job.owner_id,
        attempt=job.attempt,
        kind=kind,
        from_status=from_status,
        to_status=to_status,
        actor=actor[:160],
        message=message[:500],
        detail=detail or {},
    )


def warn(
    job: TrainingJob,
    code: str,
    message: str,
    *,
    actor: str = CLUSTER,
    detail: dict[str, Any] | None = None,
    instead_of: Collection[str] = (),
) -> None:
    """Note a warning on the job and in its timeline, once per code. The caller saves `warnings`.

    It takes the place of the warnings whose codes are in `instead_of`; with its own code among them it is told anew.
    A `step` in `detail` is where it is marked in the curve.
    """
    step = (detail or {}).get("step")
    where = {} if step is None else {"step": step}
    kept = [warning for warning in job.warnings if warning["code"] not in instead_of]
    if all(warning["code"] != code for warning in kept):
        job.warnings = [*kept, {"code": code, "message": message[:500], **where}]
        record(job, "warning", message, actor=actor, detail={"code": code, **(detail or {})})
