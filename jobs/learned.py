"""What a user's own finished jobs teach the next estimate: pace, start-up time, and how long texts are in tokens.

Only completed, real runs count that were made in one attempt and not resumed (their summary speaks of the whole)
and that `visible_to` shows, the last TAUGHT_BY of them. Their summaries come from clusters: figures that are missing
or make no sense are passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from datasets.models import Dataset
from jobs import schedule, selectors, summary
from jobs.models import BaseModel, TrainingJob
from jobs.states import Status

TAUGHT_BY = 10
LEAST_LOW, LEAST_HIGH = 0.85, 1.2  # a range never gets narrower than this
FOREIGN_LOW, FOREIGN_HIGH = 0.75, 1.35  # where only other base models were trained on that GPU type
ALIKE = 4  # base models whose sizes differ by no more than this factor teach each other's pace
PLAUSIBLE_RATIOS = (0.2, 8.0)


@dataclass(frozen=True)
class Pace:
    """`seconds` per token and weight on one GPU; `low` and `high` are factors around it; from `jobs` runs."""

    seconds: float
    low: float
    high: float
    startup_seconds: float
    jobs: int
    same_model: bool


@dataclass(frozen=True)
class TokenRatio:
    """Real tokens for each estimated one; `exact` where this very file was tokenized for this base model."""

    value: float
    jobs: int
    exact: bool


def gpu_types(user: User) -> set[str]:
    """Those that finished jobs of the user's ran on: of no other one a pace is known."""
    return set(_finished(user).values_list("gpu_config__type", flat=True).distinct())


def pace(user: User, *, gpu_type: str, base_model: BaseModel, quantization: str) -> Pace | None:
    """How fast the user's runs went on a GPU type: those of the same base model, else of others about its size (a
    tiny model hardly keeps a GPU busy)."""
    jobs = _finished(user).filter(gpu_config__type=gpu_type)
    same = jobs.filter(base_model=base_model)
    like = (base_model.parameters / ALIKE, base_model.parameters * ALIKE)
    for candidates, same_model in ((same, True), (jobs.filter(base_model__parameters__range=like), False)):
        seen = [each for each in map(_measured, _latest(candidates)) if each and each.quantization == quantization]
        if seen:
            return _summed_up(seen, same_model)
    return None


def token_ratio(user: User, *, base_model: BaseModel, dataset: Dataset) -> TokenRatio | None:
    """How far the estimate of tokens (bytes / 4) is off for a base model's tokenizer; best from the same file."""
    jobs = _finished(user).filter(base_model=base_model)
    same_file = jobs.filter(dataset__sha256=dataset.sha256) if dataset.sha256 else jobs.none()
    for candidates, exact in ((same_file, True), (jobs, False)):
        ratios = [ratio for ratio in map(_ratio, _latest(candidates)) if ratio is not None]
        if ratios:
            return TokenRatio(median(ratios), len(ratios), exact)
    return None


@dataclass(frozen=True)
class _Measured:
    quantization: str
    seconds_per_weight_token: float
    startup_seconds: float | None


def _finished(user: User) -> QuerySet[TrainingJob]:
    return selectors.visible_to(user).filter(
        Q(status=Status.COMPLETED.value, simulated=False, resume_from=None, attempt=1), artifact__isnull=False
    )


def _latest(jobs: QuerySet[TrainingJob]) -> Iterable[TrainingJob]:
    latest = jobs.order_by("-completed_at").select_related("artifact", "base_model", "dataset", "validation_dataset")
    return latest.defer("dataset__sample", "dataset__token_lengths").prefetch_related("attempts")[:TAUGHT_BY]


def _measured(job: TrainingJob) -> _Measured | None:
    ran = summary.read(job.artifact.training_summary)
    if not ran.seconds or not ran.tokens or not job.base_model.parameters:
        return None
    count = job.gpu_config["count"]
    work = ran.tokens + _evaluated(job, ran)
    billed = sum(attempt.billable_seconds for attempt in job.attempts.all())
    return _Measured(
        quantization=job.hyperparameters.get("quantization", "none"),
        seconds_per_weight_token=ran.seconds * count / (work * job.base_model.parameters),
        startup_seconds=max(0.0, billed - ran.seconds) if billed else None,
    )


def _evaluated(job: TrainingJob, ran: summary.Summary) -> float:
    plan = schedule.planned(
        examples=job.dataset.total_training_pairs or 0,
        gpu_count=job.gpu_config["count"],
        hyperparameters=job.hyperparameters,
        own_validation=job.validation_dataset.total_training_pairs or 0 if job.validation_dataset else None,
    )
    per_example = (ran.dataset_tokens or 0) / max(1, plan.training_examples)
    return plan.evaluation_work(per_example)


def _ratio(job: TrainingJob) -> float | None:
    ran = summary.read(job.artifact.training_summary)
    dataset = job.dataset
    if not ran.dataset_tokens or not dataset.total_tokens or not dataset.total_training_pairs:
        return None
    plan = schedule.planned(
        examples=dataset.total_training_pairs,
        gpu_count=1,
        hyperparameters=job.hyperparameters,
        own_validation=0 if job.validation_dataset_id else None,
    )
    estimated = dataset.total_tokens * plan.training_examples / dataset.total_training_pairs
    ratio = (ran.dataset_tokens + (ran.lost_to_truncation or 0)) / max(1.0, estimated)
    return ratio if PLAUSIBLE_RATIOS[0] <= ratio <= PLAUSIBLE_RATIOS[1] else None


def _summed_up(seen: list[_Measured], same_model: bool) -> Pace:
    paces = [each.seconds_per_weight_token for each in seen]
    middle = median(paces)
    low, high = (LEAST_LOW, LEAST_HIGH) if same_model else (FOREIGN_LOW, FOREIGN_HIGH)
    startups = [each.startup_seconds for each in seen if each.startup_seconds is not None]
    return Pace(
        seconds=middle,
        low=min(low, min(paces) / middle),
        high=max(high, max(paces) / middle),
        startup_seconds=median(startups) if startups else 0.0,
        jobs=len(seen),
        same_model=same_model,
    )
