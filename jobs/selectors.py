"""Reads. `visible_to` alone decides whose jobs somebody sees; everything else here starts from it.

What hangs on a job (points, events, costs, files) is reached through a visible job. Operators use the
admin, not these.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, FilteredRelation, FloatField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, NullIf

from jobs import costs
from jobs.exceptions import ArtifactNotFound, InvalidJob, JobNotFound
from jobs.models import (
    BaseModel,
    Checkpoint,
    Cluster,
    CostRecord,
    GpuPrice,
    JobAttempt,
    JobEvent,
    JobLog,
    ModelArtifact,
    TrainingJob,
)
from jobs.states import ACTIVE

FRESH_FOR = timedelta(seconds=5)  # as often as the page of a running job asks
_LAST_LOSSES = ("training_loss", "validation_loss")
ORDERINGS = ("created_at", "name", "status", "progress", "current_cost", "cost", "completed_at", *_LAST_LOSSES)

_SHOWN_OF_OTHERS = (
    "owner__username",
    "base_model__name",
    "dataset__name",
    "dataset__format",
    "dataset__storage_bucket",
    "dataset__total_training_pairs",
    "dataset__total_validation_pairs",
    "dataset__total_tokens",
    "dataset__tokens_estimated",
    "artifact__status",
    "artifact__name",
    "artifact__version",
    "artifact__storage_bucket",
)
_COMPARED_OF_OTHERS = (
    "dataset__sha256",
    "base_model__tokenizer",
    "base_model__location",
    "validation_dataset__name",
    "validation_dataset__sha256",
    "resume_from__job_id",
    "resume_from__step",
)


def visible_to(user: User, among: QuerySet[TrainingJob] | None = None) -> QuerySet[TrainingJob]:
    """The jobs (of `among`, where only some are asked for) that `user` may see and touch: their own."""
    return (TrainingJob.objects.all() if among is None else among).filter(owner_id=user.pk)


def job_get(user: User, job_id: uuid.UUID | str) -> TrainingJob:
    """One visible job with what its JSON needs. Raises JobNotFound, also for an id of somebody else's."""
    return _one(visible_to(user, _whole()), job_id)


def job_check(user: User, job_id: uuid.UUID | str) -> None:
    """Raises JobNotFound unless the job is visible: asked before anything is said of a request's body."""
    if not visible_to(user).filter(pk=job_id).exists():
        raise JobNotFound


def is_stale(job: TrainingJob, *, now: datetime) -> bool:
    """Whether somebody who looks at the job would see more if its cluster were asked now.

    Not while the cluster does not answer: then the back-off says when it is asked again.
    """
    is_followed = job.status in ACTIVE and bool(job.external_job_id) and job.poll_failures == 0
    return is_followed and now - job.updated_at >= FRESH_FOR


def job_list(
    user: User,
    *,
    statuses: Collection[str] = (),
    search: str = "",
    ordering: str = "-created_at",
    dataset_id: uuid.UUID | str | None = None,
    base_model: str = "",
    gpu_type: str = "",
    created_from: datetime | None = None,
    created_before: datetime | None = None,
) -> QuerySet[TrainingJob]:
    """Visible jobs. `search` looks into name, dataset's name, the cluster's id and the start of the id.

    `ordering` is one of ORDERINGS, with "-" for descending; jobs without the value come last.
    """
    jobs = visible_to(user, _with_relations())
    wanted: dict[str, Any] = {
        "status__in": statuses,
        "dataset_id": dataset_id,
        "base_model__name": base_model,
        "gpu_config__type": gpu_type,
        "created_at__gte": created_from,
        "created_at__lt": created_before,
    }
    jobs = jobs.filter(**{name: value for name, value in wanted.items() if value})
    if search:
        own_words = Q(name__icontains=search) | Q(dataset__name__icontains=search)
        jobs = jobs.filter(own_words | Q(id__istartswith=search) | Q(external_job_id__icontains=search))
    column = _ordered_by(ordering.removeprefix("-"))
    order = column.desc(nulls_last=True) if ordering.startswith("-") else column.asc(nulls_last=True)
    return jobs.order_by(order, "-created_at", "id")


def jobs_of(user: User, ids: Collection[uuid.UUID]) -> list[TrainingJob]:
    """These visible jobs, in this order, with what a comparison says of them. Raises JobNotFound if one is not."""
    related = ("validation_dataset", "resume_from")
    own = (field.attname for field in TrainingJob._meta.concrete_fields)
    jobs = visible_to(user).select_related("owner", "dataset", "base_model", "artifact", *related)
    found = jobs.only(*own, *_SHOWN_OF_OTHERS, *_COMPARED_OF_OTHERS).in_bulk(list(ids))
    if len(found) < len(ids):
        raise JobNotFound
    return [found[id] for id in ids]


def status_counts(jobs: QuerySet[TrainingJob]) -> dict[str, int]:
    """How many of the jobs are in each status that any is in."""
    return dict(jobs.order_by().values_list("status").annotate(Count("pk")))


@dataclass(frozen=True)
class Used:
    """What a user's jobs were made of: datasets by id, names of base models and of GPU types, each in order."""

    datasets: dict[str, str]
    base_models: list[str]
    gpu_types: list[str]


def used(user: User) -> Used:
    """What the list of jobs can be narrowed to; all empty for somebody without jobs."""
    columns = ("dataset_id", "dataset__name", "base_model__name", "gpu_config__type")
    found = list(visible_to(user).order_by().values_list(*columns).distinct())
    datasets = sorted({(name, str(pk)) for pk, name, _, _ in found})
    return Used(
        datasets={pk: name for name, pk in datasets},
        base_models=sorted({model for *_, model, _ in found}),
        gpu_types=sorted({gpu for *_, gpu in found}),
    )


def job_costs(job: TrainingJob) -> QuerySet[CostRecord]:
    """What the job's ended attempts cost, oldest first; known to be nothing where job_get saw none."""
    if not getattr(job, "has_costs", True):
        return CostRecord.objects.none()
    return CostRecord.objects.filter(job=job).order_by("attempt", "id")


def job_events(job: TrainingJob) -> QuerySet[JobEvent]:
    """The job's timeline, oldest first."""
    return JobEvent.objects.filter(job=job).order_by("id")


def job_log(job: TrainingJob) -> JobLog | None:
    """The job's log, None while there is none."""
    return JobLog.objects.filter(job=job).first()


def job_checkpoints(job: TrainingJob) -> QuerySet[Checkpoint]:
    """The job's checkpoints in storage, oldest first."""
    return Checkpoint.objects.filter(job=job).order_by("attempt", "restart", "step")


def job_best_checkpoint(job: TrainingJob) -> Checkpoint | None:
    """The checkpoint with the lowest validation loss, of equal ones the newest; None where none was evaluated."""
    evaluated = job_checkpoints(job).exclude(validation_loss=None)
    return evaluated.order_by("validation_loss", "-attempt", "-restart", "-step").first()


def job_retries(job: TrainingJob) -> QuerySet[TrainingJob]:
    """The jobs that were made from this one, oldest first."""
    return TrainingJob.objects.filter(retry_of=job, owner=job.owner_id).order_by("created_at")


def job_artifact(job: TrainingJob) -> ModelArtifact:
    """What the job produced. Raises ArtifactNotFound."""
    artifact = ModelArtifact.objects.filter(job=job).first()
    if artifact is None:
        raise ArtifactNotFound
    return artifact


def any_job(job_id: uuid.UUID | str) -> TrainingJob:
    """One job, whoever owns it: for operators alone. Raises JobNotFound."""
    return _one(_whole(), job_id)


def cost_list(
    user: User,
    *,
    recorded_from: datetime | None = None,
    recorded_to: datetime | None = None,
    job_id: uuid.UUID | None = None,
) -> QuerySet[CostRecord]:
    """Cost records of visible jobs, newest first; `recorded_from` is included, `recorded_to` is not."""
    records = CostRecord.objects.filter(job__in=visible_to(user)).select_related("job")
    if recorded_from is not None:
        records = records.filter(recorded_at__gte=recorded_from)
    if recorded_to is not None:
        records = records.filter(recorded_at__lt=recorded_to)
    if job_id is not None:
        records = records.filter(job_id=job_id)
    return records.order_by("-recorded_at", "-id")


def cost_total(records: QuerySet[CostRecord]) -> Decimal:
    """Dollars of all these records."""
    return costs.cents(records.aggregate(total=Sum("amount"))["total"])


# -- What can be chosen for a new job --------------------------------------------------------------------


@dataclass(frozen=True)
class GpuType:
    """`price_per_hour` in dollars per GPU, None where the price list has none (it counts 0); `available` is how
    many GPUs the clusters have, None where no cluster says."""

    type: str
    price_per_hour: Decimal | None
    available: int | None

    @property
    def is_priced(self) -> bool:
        return self.price_per_hour is not None


def gpu_types() -> list[GpuType]:
    """The GPU types on offer, dearest first: what clusters report, joined with the price list.

    A cluster that does not say what it has (level 1, or never reached) may have anything on the price list.
    """
    clusters = Cluster.objects.filter(name__in=settings.GPU_CLUSTERS)
    reports = list(clusters.values_list("gpu_types", flat=True))
    reported: dict[str, int] = defaultdict(int)
    for report in reports:
        for entry in report:
            reported[entry["type"]] += entry["count"]
    prices = dict(GpuPrice.objects.values_list("gpu_type", "price_per_hour"))
    everyone_says = len(reports) == len(settings.GPU_CLUSTERS) and all(reports)
    offered = set(reported) if everyone_says else {*reported, *prices}
    types = [GpuType(name, prices.get(name), reported.get(name)) for name in offered]
    return sorted(types, key=lambda gpu: (-(gpu.price_per_hour or 0), gpu.type))


def base_models() -> QuerySet[BaseModel]:
    """The base models on offer, the default first."""
    return BaseModel.objects.filter(is_enabled=True).order_by("-is_default", "name")


def base_model_get(name: str = "") -> BaseModel:
    """The base model on offer of that name, or the default for "". Raises InvalidJob naming those on offer."""
    offered = list(base_models())
    chosen = next((model for model in offered if model.name == name or (not name and model.is_default)), None)
    if chosen is None:
        names = ", ".join(model.name for model in offered) or "none: the operator has to add one in the admin"
        raise InvalidJob.of_fields({"base_model": [f"Choose a base model. On offer: {names}."]})
    return chosen


@dataclass(frozen=True)
class Watched:
    """Of a job's present attempt: when its cluster was last heard of it (our clock), what the sentinel remembers."""

    heard_at: datetime | None
    sentinel_state: dict[str, Any]


def watched_of(job: TrainingJob) -> Watched:
    """Read along with a job by job_get; asked for where the job came another way."""
    if not hasattr(job, "heard_at"):
        seen = JobAttempt.objects.filter(job=job, number=job.attempt).values_list("last_seen_at", "sentinel_state")
        return Watched(*(seen.first() or (None, {})))
    return Watched(job.heard_at, getattr(job, "sentinel_state", None) or {})


def _one(jobs: QuerySet[TrainingJob], job_id: uuid.UUID | str) -> TrainingJob:
    try:
        return jobs.get(pk=job_id)
    except TrainingJob.DoesNotExist:
        raise JobNotFound from None


# Putting these two together takes longer than asking them, and pages ask every few seconds: once is enough. A
# queryset never changes; what is asked is made from a copy.


@cache
def _whole() -> QuerySet[TrainingJob]:
    """With what a job's page asks of other tables: its attempt's watch, and whether more is to be asked for."""
    present = FilteredRelation("attempts", condition=Q(attempts__number=F("attempt")))
    checkpoints = Checkpoint.objects.filter(job=OuterRef("pk")).order_by().values("job").annotate(count=Count("pk"))
    read_along = {
        "heard_at": F("present__last_seen_at"),
        "sentinel_state": F("present__sentinel_state"),
        "checkpoints_count": Coalesce(Subquery(checkpoints.values("count")), 0),
        "has_retries": Exists(TrainingJob.objects.filter(retry_of=OuterRef("pk"))),
        "has_costs": Exists(CostRecord.objects.filter(job=OuterRef("pk"))),
    }
    return _with_relations().annotate(present=present).annotate(**read_along).order_by()


@cache
def _with_relations() -> QuerySet[TrainingJob]:
    """With what a job's JSON and page say of other rows, and no more of them (a dataset's sample may be long)."""
    own = (field.attname for field in TrainingJob._meta.concrete_fields)
    return TrainingJob.objects.select_related("owner", "dataset", "base_model", "artifact").only(
        *own, *_SHOWN_OF_OTHERS
    )


def _ordered_by(ordering: str) -> Any:
    if ordering == "cost":
        return Coalesce("final_cost", "current_cost")
    if ordering in _LAST_LOSSES:
        # A JSON null reads "null" on SQLite and nothing on PostgreSQL.
        text = NullIf(KeyTextTransform(ordering, "current_metrics"), Value("null"))
        return Cast(text, FloatField())
    return F(ordering)
