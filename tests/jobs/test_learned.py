"""What finished jobs teach: their owner alone, about their GPU type and base model."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from datasets.models import Dataset
from jobs import estimates, learned
from jobs.models import BaseModel, Checkpoint, TrainingJob
from jobs.states import Status
from tests import factories

SUMMARY = {
    "schema": 1,
    "steps": 69,
    "seconds": 100.0,
    "restarts": 0,
    "tokens": {"processed": 120_000, "dataset": 40_500, "lost_to_truncation": 0},
}
PACE = {"gpu_type": "H100-80GB", "quantization": "none"}


def finished(owner: User, *, summary: Any = None, **changes: Any) -> TrainingJob:
    """A completed job that trained for 100 seconds of 160 billed ones, on 162 of 180 examples."""
    job = factories.job(owner, Status.COMPLETED, **{"gpu_config": {"type": "H100-80GB", "count": 1}, **changes})
    job.attempts.update(billable_seconds=160.0)
    factories.artifact(job, training_summary=SUMMARY if summary is None else summary)
    return job


def pace(user: User, **changes: Any) -> learned.Pace | None:
    return learned.pace(user, **{"base_model": factories.base_model(), **PACE, **changes})


def test_without_finished_jobs_there_is_nothing_to_learn(alice: User) -> None:
    assert pace(alice) is None
    assert learned.token_ratio(alice, base_model=factories.base_model(), dataset=factories.dataset(alice)) is None


def test_the_pace_is_the_median_and_the_range_covers_what_was_seen(alice: User) -> None:
    for seconds in (100.0, 110.0, 200.0):
        finished(alice, summary={**SUMMARY, "seconds": seconds})
    seen = pace(alice)
    assert seen is not None
    assert (seen.jobs, seen.same_model) == (3, True)
    assert seen.high == pytest.approx(200 / 110)
    assert seen.low == 0.85
    assert seen.startup_seconds == 50


def test_only_the_last_ten_count(alice: User) -> None:
    for number in range(12):
        finished(alice, completed_at=factories.NOW + timedelta(hours=number))
    seen = pace(alice)
    assert seen is not None
    assert seen.jobs == 10


def test_other_base_models_count_where_there_is_none_of_the_same(alice: User) -> None:
    other = BaseModel.objects.get(name__contains="Mistral")
    finished(alice, base_model=other)
    seen = pace(alice)
    assert seen is not None
    assert (seen.same_model, seen.low, seen.high) == (False, 0.75, 1.35)
    finished(alice)
    again = pace(alice)
    assert again is not None
    assert (again.same_model, again.jobs) == (True, 1)


def test_a_model_of_quite_another_size_teaches_nothing(alice: User) -> None:
    finished(alice, base_model=BaseModel.objects.get(name__contains="SmolLM2"))
    assert pace(alice) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"simulated": True},
        {"gpu_config": {"type": "A100-80GB", "count": 1}},
        {"hyperparameters": {**factories.HYPERPARAMETERS, "quantization": "nf4"}},
        {"summary": {}},
        {"summary": {**SUMMARY, "seconds": 0}},
        {"summary": {**SUMMARY, "tokens": "many"}},
        {"summary": ["nonsense"]},
    ],
)
def test_runs_that_say_nothing_of_the_next_are_passed_over(alice: User, changes: dict[str, Any]) -> None:
    finished(alice, **changes)
    assert pace(alice) is None


def test_a_resumed_job_is_passed_over_since_its_summary_speaks_of_a_part(alice: User) -> None:
    first = finished(alice)
    saved = Checkpoint.objects.create(job=first, owner=alice, attempt=1, step=40, storage_prefix="x/")
    finished(alice, resume_from=saved)
    seen = pace(alice)
    assert seen is not None
    assert seen.jobs == 1


def test_nobody_learns_from_somebody_elses_jobs(alice: User, bob: User) -> None:
    finished(bob)
    assert pace(alice) is None
    assert learned.token_ratio(alice, base_model=factories.base_model(), dataset=factories.dataset(alice)) is None


def test_the_same_file_is_known_exactly_and_another_is_corrected(alice: User) -> None:
    dataset = factories.dataset(alice, sha256="a" * 64)
    finished(alice, dataset=dataset)
    exact = learned.token_ratio(alice, base_model=factories.base_model(), dataset=dataset)
    other = learned.token_ratio(alice, base_model=factories.base_model(), dataset=factories.dataset(alice))
    assert exact == learned.TokenRatio(1.5, 1, True)
    assert other == learned.TokenRatio(1.5, 1, False)


def test_an_absurd_count_of_tokens_is_not_believed(alice: User) -> None:
    finished(alice, summary={**SUMMARY, "tokens": {"processed": 1, "dataset": 10**12}})
    assert learned.token_ratio(alice, base_model=factories.base_model(), dataset=factories.dataset(alice)) is None


def test_the_next_estimate_comes_from_them_and_is_narrower(alice: User) -> None:
    dataset = factories.dataset(alice, sha256="b" * 64)
    before = _estimate(alice, dataset)
    for _ in range(3):
        finished(alice, dataset=dataset)
    after = _estimate(alice, dataset)
    assert after.offer.based_on == "from 3 of your finished jobs on H100-80GB"
    assert (before.tokens.processed, after.tokens.processed) == (81_000, 121_500)
    assert (before.tokens.estimated, after.tokens.estimated) == (True, False)
    assert before.seconds is not None
    assert after.seconds is not None
    assert after.seconds[1] / after.seconds[0] < before.seconds[1] / before.seconds[0]
    assert after.seconds[0] < 160 < after.seconds[1]


def _estimate(user: User, dataset: Dataset) -> estimates.Estimate:
    return estimates.estimate(
        estimates.configuration(
            user=user,
            dataset_id=dataset.pk,
            preset_id="recommended",
            gpu_config={"type": "H100-80GB", "count": 1},
            hyperparameters={},
        )
    )
