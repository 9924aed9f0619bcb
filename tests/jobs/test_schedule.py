"""How a run will go, as the trainer counts it."""

from typing import Any

import pytest

from jobs import schedule


def plan(
    examples: int = 180, gpu_count: int = 1, *, own_validation: int | None = None, start_step: int = 0, **settings: Any
) -> Any:
    hyperparameters = {"batch_size": 4, "epochs": 3, "max_length": 2048, **settings}
    return schedule.planned(
        examples=examples,
        gpu_count=gpu_count,
        hyperparameters=hyperparameters,
        own_validation=own_validation,
        row_tokens=examples * 100,
        start_step=start_step,
    )


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
    assert plan(examples, gpus, **settings).steps == steps


@pytest.mark.parametrize(
    ("examples", "split", "held_out"), [(180, 0.1, 18), (180, 0, 0), (3, 0.1, 1), (2, 0.5, 1), (1, 0.5, 0), (0, 0.1, 0)]
)
def test_a_split_holds_out_at_least_one_and_leaves_at_least_one(examples: int, split: float, held_out: int) -> None:
    made = plan(examples, validation_split=split)
    assert (made.validation_examples, made.training_examples) == (held_out, examples - held_out)


def test_a_validation_file_leaves_all_examples_to_training() -> None:
    made = plan(own_validation=40, validation_split=0.1)
    assert (made.training_examples, made.validation_examples) == (180, 40)


def test_max_steps_beats_epochs_in_both_directions() -> None:
    assert (plan(max_steps=9).steps, plan(max_steps=9).passes) == (9, 0.2)
    assert (plan(max_steps=450).steps, plan(max_steps=450).passes) == (450, 10)


def test_it_evaluates_about_ten_times_and_once_before_the_first_step() -> None:
    assert plan(own_validation=5).evaluations == 1 + 10
    assert plan(own_validation=5, epochs=1).evaluations == 1 + 9
    assert plan(own_validation=5, max_steps=4).evaluations == 2
    assert plan(own_validation=5, eval_steps=50).evaluations == 1 + 3
    assert plan().evaluations == 0


def test_a_job_of_earlier_without_the_new_settings_goes_as_it_went() -> None:
    made = schedule.planned(examples=180, gpu_count=1, hyperparameters={"batch_size": 4, "epochs": 3})
    assert (made.steps, made.passes, made.validation_examples) == (135, 3.0, 0)


def test_a_resumed_run_has_only_the_rest_before_it() -> None:
    made = plan(own_validation=5, start_step=90)
    assert (made.steps, made.passes) == (135, pytest.approx(1.0))
    assert made.evaluations == 4  # every 14 steps, and not before the first one again
