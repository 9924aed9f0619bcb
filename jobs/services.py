"""User commands on jobs. Each writes rows and nothing else: views nudge the workers afterwards."""

import hashlib
import json
import math
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs import costs, estimates, lifecycle, resumption, selectors, sources
from jobs.exceptions import IdempotencyConflict, JobConflict, JobNotFound
from jobs.models import Checkpoint, Cluster, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.states import Stage, Status

UNCHANGED = object()  # as the ended job has it: None means none


def job_create(
    *,
    owner: User,
    dataset_id: uuid.UUID | str,
    preset_id: str,
    gpu_config: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    base_model: str = "",
    validation_dataset_id: uuid.UUID | str | None = None,
    dataset_sha256: str = "",
    name: str = "",
    idempotency_key: str | None = None,
    retry_of: TrainingJob | None = None,
    resume_from: Checkpoint | None = None,
    asked_by: User | None = None,
    max_cost: Any = None,
    sentinel: Any = None,
) -> tuple[TrainingJob, bool]:
    """Queue a new job; (job, whether it is new). The same idempotency key gives the same job again.

    Raises DatasetNotFound, InvalidJob with the problems of all fields, IdempotencyConflict where the key was
    used for another request, JobConflict where the cluster is known to train something else than is asked for.
    """
    asked = [str(dataset_id), preset_id, gpu_config, hyperparameters, base_model, name]
    asked += [str(validation_dataset_id), dataset_sha256] if validation_dataset_id or dataset_sha256 else []
    asked += [f"max_cost {max_cost}"] if max_cost is not None else []
    asked += [{"sentinel": sentinel}] if sentinel is not None else []
    asked += [str(retry_of.pk), str(resume_from.pk if resume_from else "")] if retry_of else []
    request_sha256 = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    if idempotency_key is not None:
        known = _by_key(owner, idempotency_key, request_sha256)
        if known is not None:
            return known, False
    chosen = estimates.configuration(
        user=owner,
        dataset_id=dataset_id,
        preset_id=preset_id,
        gpu_config=gpu_config,
        hyperparameters=hyperparameters,
        base_model=base_model,
        validation_dataset_id=validation_dataset_id,
        dataset_sha256=dataset_sha256,
        max_cost=max_cost,
        sentinel_rules=sentinel,
    )
    estimate = estimates.accepted(chosen, start_step=resume_from.step if resume_from else 0)
    now = timezone.now()
    job = TrainingJob(
        owner=owner,
        name=name.strip() or f"{chosen.dataset.name[:150]} · {chosen.preset}",
        dataset=chosen.dataset,
        validation_dataset=chosen.validation_dataset,
        base_model=chosen.base_model,
        preset=chosen.preset,
        hyperparameters=chosen.hyperparameters,
        gpu_config={"type": chosen.gpu.type, "count": chosen.gpu_count},
        gpu_price_per_hour=chosen.gpu.price_per_hour,
        max_cost=chosen.max_cost,
        sentinel=chosen.sentinel,
        estimated_total_cost=costs.middle(*estimate.cost) if estimate.cost else None,
        total_epochs=math.ceil(float(chosen.hyperparameters["epochs"])),
        total_steps=estimate.steps,
        estimate=estimates.as_json(estimate),
        retry_of=retry_of,
        resume_from=resume_from,
        idempotency_key=idempotency_key,
        request_sha256=request_sha256,
        queued_at=now,
        next_attempt_at=now,
        next_poll_at=now,
    )
    cluster = Cluster.objects.filter(name=job.cluster, level__isnull=False).first()
    if cluster is not None and (lacking := sources.lacking(job, cluster.capabilities)):
        raise JobConflict(lacking)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            lifecycle.record(
                job,
                "status",
                _origin(retry_of, resume_from),
                actor=_actor(asked_by or owner),
                to_status=Status.QUEUED.value,
            )
    except IntegrityError:
        # The same key arrived twice at once: the other request made the job.
        known = _by_key(owner, idempotency_key, request_sha256) if idempotency_key is not None else None
        if known is None:
            raise
        return known, False
    return job, True


def job_cancel(*, user: User, job_id: uuid.UUID | str, keep_adapter: bool = False) -> TrainingJob:
    """Cancel a job of the user's; harmless when it is being cancelled already. Raises JobNotFound, JobConflict."""
    try:
        return _cancel(selectors.visible_to(user), job_id, actor=_actor(user), keep_adapter=keep_adapter)
    except TrainingJob.DoesNotExist:
        raise JobNotFound from None


def job_cancel_by_staff(*, staff: User, job: TrainingJob) -> TrainingJob:
    """Cancel anybody's job, as an operator. Raises JobConflict."""
    return _cancel(TrainingJob.objects.all(), job.pk, actor=_actor(staff), keep_adapter=False)


def job_retry(
    *,
    user: User,
    job_id: uuid.UUID | str,
    resume_from: str | Mapping[str, int] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    name: str = "",
    idempotency_key: str | None = None,
    max_cost: Any = UNCHANGED,
    sentinel: Any = None,
) -> tuple[TrainingJob, bool]:
    """A new job like an ended one of the user's, with these settings changed; (job, whether it is new).

    It goes on from the checkpoint that `resume_from` means (see jobs.resumption.chosen), else it starts where the
    ended one started; its budget is its own, as large as the ended one's; of the sentinel's
    rules only those given change. The same idempotency key gives the same job
    again. Raises JobNotFound, JobConflict, and what job_create raises.
    """
    return _retry(
        selectors.job_get(user, job_id),
        asked_by=user,
        resume_from=resume_from,
        hyperparameters=hyperparameters or {},
        name=name,
        idempotency_key=idempotency_key,
        max_cost=max_cost,
        sentinel=sentinel,
    )


def job_retry_by_staff(*, staff: User, job: TrainingJob) -> TrainingJob:
    """A new job of the same owner's like an ended one, as an operator. Raises like job_retry."""
    return _retry(job, asked_by=staff)[0]


def job_attach_external(*, staff: User, job: TrainingJob, external_job_id: str) -> TrainingJob:
    """Staff found the cluster's job of an unconfirmed submission: follow that one. Raises JobConflict."""
    with transaction.atomic():
        job = _unconfirmed(job)
        if TrainingJob.objects.filter(cluster=job.cluster, external_job_id=external_job_id).exists():
            raise JobConflict(f"{external_job_id} belongs to another job.")
        now = timezone.now()
        job.attempts.filter(number=job.attempt).update(
            outcome=SubmitOutcome.ACCEPTED, external_job_id=external_job_id, submitted_at=now, unconfirmed_since=None
        )
        job.external_job_id = external_job_id
        job.current_stage = Stage.INITIALIZING.value
        job.waiting_for = ""
        job.next_poll_at = now
        job.save()
        lifecycle.record(job, "submission", f"Attached to the cluster's job {external_job_id}.", actor=_actor(staff))
        if job.status == Status.QUEUED:
            lifecycle.transition(
                job, Status.INITIALIZING, actor=_actor(staff), message="The cluster has the job, as staff found out."
            )
    return job


def job_declare_not_started(*, staff: User, job: TrainingJob) -> TrainingJob:
    """Staff made sure that an unconfirmed submission started nothing: it may be sent again. Raises JobConflict."""
    with transaction.atomic():
        job = _unconfirmed(job)
        job.attempts.filter(number=job.attempt).update(outcome=SubmitOutcome.NOT_SENT, unconfirmed_since=None)
        job.submission_key = ""
        job.current_stage = Stage.QUEUED.value
        job.waiting_for = ""
        job.next_attempt_at = timezone.now()
        job.save()
        lifecycle.record(job, "submission", "Declared as not started at the cluster.", actor=_actor(staff))
        if job.status == Status.CANCELLING:
            lifecycle.end_unsubmitted(job, _actor(staff))
    return job


def _cancel(among: QuerySet[TrainingJob], job_id: uuid.UUID | str, *, actor: str, keep_adapter: bool) -> TrainingJob:
    with transaction.atomic():
        job = among.select_for_update().get(pk=job_id)
        asked = lifecycle.request_cancel(job, actor=actor, keep_adapter=keep_adapter)
        if not asked and job.status not in {Status.CANCELLING, Status.CANCELLED}:
            raise JobConflict(f"The job has already {job.status}.", details={"status": job.status})
    return job


def _retry(
    ended: TrainingJob,
    *,
    asked_by: User,
    resume_from: str | Mapping[str, int] | None = None,
    hyperparameters: Mapping[str, Any] = MappingProxyType({}),
    name: str = "",
    idempotency_key: str | None = None,
    max_cost: Any = UNCHANGED,
    sentinel: Any = None,
) -> tuple[TrainingJob, bool]:
    if not ended.is_terminal:
        raise JobConflict(
            f"The job is {ended.status}; only an ended one can be retried.", details={"status": ended.status}
        )
    checkpoint = resumption.chosen(ended, resume_from) if resume_from is not None else ended.resume_from
    if checkpoint is not None:
        resumption.check(ended, checkpoint, hyperparameters)
    return job_create(
        owner=ended.owner,
        dataset_id=ended.dataset_id,
        preset_id=ended.preset,
        gpu_config=ended.gpu_config,
        hyperparameters={**_carried_over(ended), **hyperparameters},
        base_model=ended.base_model.name,
        validation_dataset_id=ended.validation_dataset_id,
        name=name or ended.name,
        idempotency_key=idempotency_key,
        retry_of=ended,
        resume_from=checkpoint,
        asked_by=asked_by,
        max_cost=ended.max_cost if max_cost is UNCHANGED else max_cost,
        sentinel={**ended.sentinel, **sentinel} if isinstance(sentinel, Mapping) else sentinel or ended.sentinel,
    )


def _carried_over(ended: TrainingJob) -> dict[str, Any]:
    """The job's settings; a length that its base model cannot have (any more) is left to become the model's own."""
    fits = ended.hyperparameters.get("max_length", 0) <= ended.base_model.context_length
    return {name: value for name, value in ended.hyperparameters.items() if fits or name != "max_length"}


def _origin(retry_of: TrainingJob | None, resume_from: Checkpoint | None) -> str:
    """How a new job came about, in a sentence."""
    if resume_from is not None:
        return f"The job was created to go on from step {resume_from.step} of {str(resume_from.job_id)[:8]}."
    return "The job was created." if retry_of is None else f"The job was created as a retry of {retry_of.short_id}."


def _unconfirmed(job: TrainingJob) -> TrainingJob:
    job = TrainingJob.objects.select_for_update().get(pk=job.pk)
    attempt = job.attempts.filter(number=job.attempt, outcome=SubmitOutcome.UNKNOWN).first()
    if job.status not in {Status.QUEUED, Status.CANCELLING} or attempt is None:
        raise JobConflict("Only a job whose submission is unconfirmed can be settled by hand.")
    return job


def _by_key(owner: User, key: str, request_sha256: str) -> TrainingJob | None:
    job = selectors.visible_to(owner).filter(idempotency_key=key).first()
    if job is not None and job.request_sha256 != request_sha256:
        raise IdempotencyConflict(str(job.pk), job.name)
    return job


def _actor(user: User) -> str:
    return f"user:{user.get_username()}"
