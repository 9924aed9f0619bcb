"""What a job will take: the published formulas, made from our rows."""

import json
import math
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from django.contrib.auth.models import User

from datasets.exceptions import DatasetNotFound
from datasets.validation.lengths import Lengths
from jobs import estimates, services
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel, Checkpoint, Cluster, GpuPrice
from jobs.states import Status
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


def configure_large(user: User, **changes: Any) -> estimates.Configuration:
    """32,768 tokens at once."""
    dataset = factories.dataset(user, total_tokens=300_000)
    return configure(user, dataset_id=dataset.pk, hyperparameters={"batch_size": 16, "packing": True}, **changes)


def said(estimate: estimates.Estimate) -> list[str]:
    return [warning.message for warning in estimate.warnings]


def warned(chosen: estimates.Configuration) -> dict[str, list[str]]:
    found: dict[str, list[str]] = estimates.as_answer(estimates.estimate(chosen))["warnings_by_field"]
    return found


def lengths_of(*examples: tuple[int, int]) -> dict[str, Any]:
    kept = Lengths()
    for tokens, learned in examples:
        kept.add(tokens, learned)
    return kept.as_json()


def test_time_and_cost_follow_tokens_weights_and_gpus(alice: User) -> None:
    estimate = estimates.estimate(configure(alice))
    held_out_ten_times = 10 * 18 * (30_000 / 180) / 3
    operations = (81_000 + held_out_ten_times) * 6 * factories.base_model().parameters
    expected = operations / (2 * 312e12 * 0.35) + 60 + 30 * factories.base_model().parameters / 1e9
    assert estimate.tokens.processed == 81_000
    assert estimate.seconds == pytest.approx((expected * 0.7, expected * 1.5))
    assert estimate.offer.based_on == "from the GPU's data sheet"
    assert estimate.offer.price_per_hour == Decimal("7.00")
    assert estimate.cost is not None
    assert [float(cost) for cost in estimate.cost] == pytest.approx(
        [expected * f / 3600 * 7 for f in (0.7, 1.5)], abs=0.01
    )


def test_more_epochs_take_longer_and_cost_more(alice: User) -> None:
    dataset = factories.dataset(alice, total_tokens=50_000_000)
    gpus = {"type": "H100-80GB", "count": 2}
    once, often = (
        estimates.estimate(configure(alice, dataset_id=dataset.pk, gpu_config=gpus, hyperparameters={"epochs": epochs}))
        for epochs in (1, 10)
    )
    assert once.cost is not None
    assert often.cost is not None
    assert once.cost[1] < often.cost[0]
    assert often.tokens.processed == 10 * once.tokens.processed


def test_a_limit_of_steps_shortens_the_run_and_what_it_sees(alice: User) -> None:
    estimate = estimates.estimate(configure(alice, hyperparameters={"max_steps": 7}))
    assert (estimate.steps, estimate.tokens.processed) == (7, 9_000)
    assert "7 steps see 33% of the examples: max_steps ends the first epoch." in said(estimate)


def test_a_resumed_run_is_estimated_for_what_is_left(alice: User) -> None:
    whole = estimates.estimate(configure(alice))
    rest = estimates.estimate(configure(alice), start_step=42)
    assert (rest.steps, rest.tokens.processed) == (whole.steps, whole.tokens.processed / 3)
    assert whole.seconds is not None
    assert rest.seconds is not None
    assert rest.seconds[1] < whole.seconds[1]


def test_a_job_that_goes_on_from_a_checkpoint_keeps_the_estimate_of_its_rest(alice: User) -> None:
    ended = factories.job(alice, Status.COMPLETED)
    saved = Checkpoint.objects.create(job=ended, owner=alice, attempt=1, step=40, storage_prefix="x/")
    job, _ = services.job_create(
        owner=alice,
        dataset_id=ended.dataset_id,
        preset_id="recommended",
        gpu_config=ended.gpu_config,
        hyperparameters={},
        resume_from=saved,
    )
    assert (job.estimate["steps"], job.estimate["start_step"]) == (63, 40)
    assert job.estimate["tokens"] == round(81_000 * 23 / 63)


def test_what_the_maximum_length_takes_away_is_told_before_the_start(alice: User) -> None:
    dataset = factories.dataset(alice, total_training_pairs=4, token_lengths=lengths_of(*[(1000, 400)] * 4))
    chosen = configure(alice, dataset_id=dataset.pk, hyperparameters={"max_length": 900, "validation_split": 0})
    tokens = estimates.estimate(chosen).tokens
    assert (tokens.lost, tokens.cut_examples, tokens.longest) == (400, 4, 900)
    assert (tokens.processed, tokens.trained) == (3 * 3600, 3 * 1200)
    assert "4 examples are longer than 900 tokens: 400 tokens (10% of all) are lost at their ends." in said(
        estimates.estimate(chosen)
    )


def test_a_dataset_validated_before_lengths_were_kept_is_estimated_all_the_same(alice: User) -> None:
    estimate = estimates.estimate(configure(alice))
    assert (estimate.tokens.trained, estimate.tokens.lost) == (None, None)
    assert estimate.tokens.longest == math.ceil(4 * 30_000 / 180)
    assert "Validate the dataset again to learn what the maximum length cuts off." in estimate.notes


def test_packing_fills_rows_and_needs_fewer_steps(alice: User) -> None:
    dataset = factories.dataset(alice, token_lengths=lengths_of(*[(100, 50)] * 180))
    packed = estimates.estimate(configure(alice, dataset_id=dataset.pk, hyperparameters={"packing": True}))
    loose = estimates.estimate(configure(alice, dataset_id=dataset.pk))
    assert (loose.steps, packed.steps) == (63, 3)
    assert packed.tokens.processed == loose.tokens.processed
    assert (loose.tokens.longest, packed.tokens.longest) == (100, 2048)


def test_every_type_on_offer_is_judged_for_its_memory(alice: User) -> None:
    GpuPrice.objects.create(gpu_type="RTX-3090", price_per_hour=1)
    GpuPrice.objects.create(gpu_type="CPU", price_per_hour=1)
    estimate = estimates.estimate(configure_large(alice))
    assert {offer.type: offer.verdict for offer in estimate.offers} == {
        "H100-80GB": "fits",
        "A100-80GB": "fits",
        "A100-40GB": "tight",
        "V100-32GB": "does_not_fit",
        "RTX-3090": "does_not_fit",
        "CPU": "unknown",
    }


def test_a_job_that_does_not_fit_is_refused_with_what_to_lower(alice: User) -> None:
    chosen = configure_large(alice, gpu_config={"type": "V100-32GB"})
    assert estimates.estimate(chosen).offer.verdict == "does_not_fit"
    with pytest.raises(InvalidJob) as caught:
        estimates.accepted(chosen)
    (sentence,) = caught.value.details["gpu_config.type"]
    for advice in ("a V100-32GB has 32", "lower batch_size", "max_length", "nf4", "A100-80GB"):
        assert advice in sentence


def test_a_job_that_barely_fits_starts_with_a_warning(alice: User) -> None:
    chosen = configure_large(alice, gpu_config={"type": "A100-40GB"})
    assert "it may run out of memory" in said(estimates.accepted(chosen))[0]


def test_a_base_model_of_unknown_shape_is_not_refused(alice: User) -> None:
    BaseModel.objects.update(architecture={})
    estimate = estimates.accepted(configure(alice, gpu_config={"type": "V100-32GB"}))
    assert estimate.need is None
    assert estimates.as_json(estimate)["memory"] is None


def test_it_is_json_as_a_row_and_an_answer_need_it(alice: User) -> None:
    made = estimates.as_json(estimates.estimate(configure(alice)))
    assert json.loads(json.dumps(made)) == made
    assert made["memory"]["total_gib"] == pytest.approx(sum(made["memory"]["per_part"].values()), abs=0.01)


def test_every_type_on_offer_gets_its_time_and_cost(alice: User) -> None:
    dataset = factories.dataset(alice, total_tokens=50_000_000)
    made = estimates.as_answer(estimates.estimate(configure(alice, dataset_id=dataset.pk)))
    by_type = {offer["type"]: offer for offer in made["offers"]}
    assert set(by_type) == {"H100-80GB", "A100-80GB", "A100-40GB", "V100-32GB"}
    assert by_type["A100-80GB"]["cost"] == made["cost"]
    assert by_type["A100-80GB"]["duration_seconds"] == made["duration_seconds"]
    assert by_type["H100-80GB"]["price_per_hour"] == 8.4
    assert (made["fastest"], made["cheapest"]) == ("H100-80GB", "H100-80GB")


def test_the_cheapest_and_the_fastest_are_among_those_that_fit(alice: User) -> None:
    Cluster.objects.create(
        name="default", gpu_types=[{"type": name, "count": 8} for name in ("H100-20GB", "A100-80GB", "T4", "Own")]
    )
    GpuPrice.objects.create(gpu_type="T4", price_per_hour="0.01")
    GpuPrice.objects.create(gpu_type="H100-20GB", price_per_hour="0.02")
    GpuPrice.objects.create(gpu_type="Own", price_per_hour="0.02")
    dataset = factories.dataset(alice, total_tokens=50_000_000)
    made = estimates.estimate(configure(alice, dataset_id=dataset.pk, hyperparameters={"batch_size": 16}))
    assert {offer.type: offer.verdict for offer in made.offers} == {
        "A100-80GB": "fits",
        "H100-20GB": "does_not_fit",
        "Own": "unknown",
        "T4": "does_not_fit",
    }
    answer = estimates.as_answer(made)
    assert (answer["fastest"], answer["cheapest"]) == ("", "")  # only one may run: nothing to choose between
    assert next(offer for offer in answer["offers"] if offer["type"] == "Own")["duration_seconds"] is None


def test_warnings_stand_at_the_fields_that_a_refusal_would_name(alice: User) -> None:
    chosen = configure(alice, hyperparameters={"rank": 32, "validation_split": 0}, max_cost=0.01)
    answer = estimates.as_answer(estimates.estimate(chosen))
    assert {"hyperparameters.rank", "hyperparameters.validation_split", "max_cost"} <= set(answer["warnings_by_field"])
    assert sorted(chain(*answer["warnings_by_field"].values())) == sorted(answer["warnings"])


def test_more_gpus_than_there_are_is_a_long_wait(alice: User) -> None:
    Cluster.objects.create(name="default", gpu_types=[{"type": "A100-80GB", "count": 2}])
    assert "gpu_config.count" not in warned(configure(alice))
    many = configure(alice, gpu_config={"type": "A100-80GB", "count": 4})
    assert warned(many)["gpu_config.count"] == [
        "There are 2 A100-80GB in all: a job on 4 of them waits until more are added."
    ]


def test_other_gpu_types_cost_no_queries_unless_jobs_ran_on_them(
    alice: User, django_assert_max_num_queries: Any
) -> None:
    chosen = configure(alice)
    with django_assert_max_num_queries(6):
        estimates.estimate(chosen)


def test_texts_beyond_the_base_models_context_are_refused_and_never_the_default(alice: User) -> None:
    BaseModel.objects.update(context_length=512)
    assert configure(alice).hyperparameters["max_length"] == 512
    with pytest.raises(InvalidJob) as caught:
        configure(alice, hyperparameters={"max_length": 513})
    assert "at most 512" in caught.value.details["hyperparameters.max_length"][0]


def test_a_validation_dataset_takes_the_place_of_a_split(alice: User, bob: User) -> None:
    own = factories.dataset(alice, total_training_pairs=40)
    chosen = configure(alice, validation_dataset_id=own.pk)
    plan = estimates.estimate(chosen).plan
    assert chosen.hyperparameters["validation_split"] == 0
    assert (plan.training_examples, plan.validation_examples) == (180, 40)
    with pytest.raises(InvalidJob) as caught:
        configure(alice, validation_dataset_id=own.pk, hyperparameters={"validation_split": 0.2})
    assert list(caught.value.details) == ["hyperparameters.validation_split"]
    with pytest.raises(DatasetNotFound):
        configure(alice, validation_dataset_id=factories.dataset(bob).pk)


def test_early_stopping_needs_something_to_measure(alice: User) -> None:
    assert configure(alice, hyperparameters={"early_stopping_patience": 3})
    with pytest.raises(InvalidJob) as caught:
        configure(alice, hyperparameters={"early_stopping_patience": 3, "validation_split": 0})
    assert list(caught.value.details) == ["hyperparameters.early_stopping_patience"]


def test_four_bits_need_a_gpu(alice: User) -> None:
    GpuPrice.objects.create(gpu_type="CPU", price_per_hour=1)
    with pytest.raises(InvalidJob) as caught:
        configure(alice, gpu_config={"type": "CPU"}, hyperparameters={"quantization": "nf4"})
    assert list(caught.value.details) == ["hyperparameters.quantization"]


def test_a_file_that_has_changed_is_refused_where_its_hash_was_given(alice: User) -> None:
    dataset = factories.dataset(alice, sha256="a" * 64)
    assert configure(alice, dataset_id=dataset.pk, dataset_sha256="a" * 64)
    with pytest.raises(InvalidJob) as caught:
        configure(alice, dataset_id=dataset.pk, dataset_sha256="b" * 64)
    assert list(caught.value.details) == ["dataset_sha256"]


def test_a_type_without_a_price_counts_nothing_and_says_so(alice: User) -> None:
    Cluster.objects.create(name="default", gpu_types=[{"type": "RTX-4090", "count": 2}])
    estimate = estimates.estimate(configure(alice, gpu_config={"type": "RTX-4090"}))
    assert not estimate.offer.is_priced
    assert estimate.offer.price_per_hour == 0
    assert estimate.cost == (Decimal(0), Decimal(0))
    assert estimate.seconds is not None
    assert "RTX-4090 has no price on the list: it counts 0." in estimate.notes


def test_a_type_of_unknown_speed_gets_no_invented_time(alice: User) -> None:
    GpuPrice.objects.create(gpu_type="Quantum-1", price_per_hour=9)
    estimate = estimates.estimate(configure(alice, gpu_config={"type": "Quantum-1"}))
    assert (estimate.seconds, estimate.cost) == (None, None)
    assert estimate.offer.price_per_hour == 9
    assert "The speed of Quantum-1 is not known" in estimate.notes[0]


def test_somebody_elses_dataset_does_not_exist(alice: User, bob: User) -> None:
    with pytest.raises(DatasetNotFound) as caught:
        configure(alice, dataset_id=factories.dataset(bob).pk)
    assert list(caught.value.details) == ["dataset_id"]
    with pytest.raises(DatasetNotFound) as caught:
        configure(alice, validation_dataset_id=factories.dataset(bob).pk)
    assert list(caught.value.details) == ["validation_dataset_id"]


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
