"""What a job will take: the published formulas, made from our rows."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from datasets.exceptions import DatasetNotFound
from jobs import estimates
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel, Cluster, GpuPrice
from tests import factories


def configure(user: User, **changes: Any) -> estimates.Configuration:
    asked = {
        "user": user,
        "preset_id": "recommended",
        "gpu_config": {"type": "A100-80GB", "count": 2},
        "hyperparameters": {},
        **changes,
    }
    if "dataset_id" not in asked:
        asked["dataset_id"] = factories.dataset(user).pk
    return estimates.configuration(**asked)


@pytest.mark.parametrize(
    ("examples", "batch", "gpus", "accumulated", "epochs", "steps"),
    [
        (180, 4, 1, 1, 3, 135),
        (180, 8, 1, 1, 1, 23),
        (181, 4, 2, 1, 1, 23),
        (180, 4, 2, 4, 3, 18),
        (1, 64, 8, 128, 2, 2),
    ],
)
def test_steps_follow_the_formula(
    examples: int, batch: int, gpus: int, accumulated: int, epochs: int, steps: int
) -> None:
    settings = {"batch_size": batch, "gradient_accumulation_steps": accumulated, "epochs": epochs}
    assert estimates.total_steps(examples=examples, gpu_count=gpus, hyperparameters=settings) == steps


def test_time_and_cost_follow_tokens_weights_and_gpus(alice: User) -> None:
    estimate = estimates.estimate(configure(alice))
    expected = 90_000 * 6 * factories.base_model().parameters / (2 * 312e12 * 0.35) + 300
    assert estimate.tokens == 90_000
    assert estimate.seconds == pytest.approx((expected * 0.7, expected * 1.5))
    assert estimate.price_per_hour == Decimal("7.00")
    assert estimate.cost is not None
    assert [float(cost) for cost in estimate.cost] == pytest.approx(
        [expected * f / 3600 * 7 for f in (0.7, 1.5)], abs=0.01
    )


def test_more_epochs_take_longer_and_cost_more(alice: User) -> None:
    dataset = factories.dataset(alice, total_tokens=50_000_000)
    once = estimates.estimate(configure(alice, dataset_id=dataset.pk, hyperparameters={"epochs": 1}))
    often = estimates.estimate(configure(alice, dataset_id=dataset.pk, hyperparameters={"epochs": 10}))
    assert once.cost is not None
    assert often.cost is not None
    assert once.cost[1] < often.cost[0]
    assert often.tokens == 10 * once.tokens


def test_a_type_without_a_price_counts_nothing_and_says_so(alice: User) -> None:
    Cluster.objects.create(name="default", gpu_types=[{"type": "RTX-4090", "count": 2}])
    estimate = estimates.estimate(configure(alice, gpu_config={"type": "RTX-4090"}))
    assert not estimate.is_priced
    assert estimate.price_per_hour == 0
    assert estimate.cost == (Decimal(0), Decimal(0))
    assert estimate.seconds is not None
    assert "RTX-4090 has no price on the list: it counts 0." in estimate.notes


def test_a_type_of_unknown_speed_gets_no_invented_time(alice: User) -> None:
    GpuPrice.objects.create(gpu_type="Quantum-1", price_per_hour=9)
    estimate = estimates.estimate(configure(alice, gpu_config={"type": "Quantum-1"}))
    assert (estimate.seconds, estimate.cost) == (None, None)
    assert estimate.price_per_hour == 9
    assert "The speed of Quantum-1 is not known" in estimate.notes[0]


def test_somebody_elses_dataset_does_not_exist(alice: User, bob: User) -> None:
    with pytest.raises(DatasetNotFound):
        configure(alice, dataset_id=factories.dataset(bob).pk)


def test_the_problems_of_all_fields_are_told_at_once(alice: User) -> None:
    dataset = factories.dataset(alice, training_ready=False, status="validating")
    with pytest.raises(InvalidJob) as caught:
        configure(
            alice,
            dataset_id=dataset.pk,
            gpu_config={"type": "H200", "count": 9},
            hyperparameters={"rank": 0},
            base_model="gpt-9",
        )
    assert set(caught.value.details) == {
        "dataset_id",
        "hyperparameters.rank",
        "gpu_config.type",
        "gpu_config.count",
        "base_model",
    }
    assert "it is validating" in caught.value.details["dataset_id"][0]


def test_a_disabled_base_model_is_not_on_offer(alice: User) -> None:
    assert configure(alice).base_model == factories.base_model()
    BaseModel.objects.update(is_enabled=False)
    with pytest.raises(InvalidJob, match="none: the operator has to add one"):
        configure(alice)
