"""Hyperparameters, schedule, splitting and packing: the pure parts."""

from dataclasses import asdict

import pytest

from lora_trainer.data.encoding import IGNORED, TokenSequence
from lora_trainer.data.layouts import Conversation
from lora_trainer.data.packing import pack
from lora_trainer.data.preparing import split
from lora_trainer.errors import SettingsInvalid
from lora_trainer.hyperparameters import Hyperparameters, read_hyperparameters
from lora_trainer.training.progress import Progress
from lora_trainer.training.schedule import make_schedule


def test_defaults_are_the_recommended_ones() -> None:
    assert read_hyperparameters({}) == Hyperparameters()
    assert asdict(Hyperparameters())["learning_rate"] == 2e-4


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("rank", 0, "a whole number from 1 to 256"),
        ("rank", 8.5, "a whole number"),
        ("rank", True, "a whole number"),
        ("learning_rate", "1e-4", "a number from 1e-06 to 0.01"),
        ("dropout", float("nan"), "a number from 0 to 0.5"),
        ("packing", 1, "true or false"),
        ("target_modules", "lm_head", "one of all-linear, attention"),
        ("lora_rank", 8, "unknown"),
    ],
)
def test_a_wrong_value_is_refused_with_name_and_range(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=name) as caught:
        read_hyperparameters({name: value})
    assert said in caught.value.message


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"foo.*rank must be"):
        read_hyperparameters({"foo": 1, "rank": 0})


def test_steps_follow_the_published_formula() -> None:
    settings = Hyperparameters(batch_size=4, gradient_accumulation_steps=2, epochs=3)
    schedule = make_schedule(101, settings, devices=2)
    assert (schedule.per_epoch, schedule.total, schedule.warmup) == (7, 21, 1)


def test_automatic_evaluations_and_checkpoints_are_sensible() -> None:
    short, long = (make_schedule(rows, Hyperparameters(epochs=3), 1) for rows in (100, 40_000))
    assert (short.total, short.evaluate_every, short.save_every) == (75, 8, 16)
    assert (long.total, long.evaluate_every, long.save_every) == (30_000, 3000, 200)
    assert make_schedule(8, Hyperparameters(epochs=3), 1).evaluate_every == 5


def test_the_last_step_is_always_logged_evaluated_and_saved() -> None:
    settings = Hyperparameters(max_steps=11, eval_steps=4, save_steps=4, logging_steps=3)
    schedule = make_schedule(1000, settings, 1)
    steps = range(1, 12)
    assert [step for step in steps if schedule.evaluates_at(step)] == [4, 8, 11]
    assert [step for step in steps if schedule.saves_at(step)] == [4, 8, 11]
    assert [step for step in steps if schedule.logs_at(step)] == [3, 6, 9, 11]


@pytest.mark.parametrize(("count", "share", "held_out"), [(1, 0.5, 0), (2, 0.1, 1), (100, 0.1, 10), (100, 0, 0)])
def test_a_split_holds_out_a_share_but_never_all(count: int, share: float, held_out: int) -> None:
    conversations = [Conversation(line, ()) for line in range(count)]
    training, rest = split(conversations, share, seed=1)
    assert len(rest) == held_out
    assert sorted([*training, *rest], key=lambda each: each.line) == conversations
    assert split(conversations, share, seed=1) == (training, rest)


def test_packing_fills_rows_without_cutting_and_restarts_positions() -> None:
    sequences = [TokenSequence([n] * n, [IGNORED] + [n] * (n - 1)) for n in (5, 3, 4, 2, 6, 1, 3)]
    rows = pack(sequences, 8)
    assert sum(len(row.input_ids) for row in rows) == sum(len(each.input_ids) for each in sequences)
    assert len(rows) == 3
    for row in rows:
        assert len(row.input_ids) == len(row.labels) == len(row.position_ids) <= 8
        for index, position in enumerate(row.position_ids):
            if position == 0:  # nothing may be predicted from the sequence before
                assert row.labels[index] == IGNORED


def test_patience_counts_evaluations_since_the_best() -> None:
    progress = Progress(total_steps=100)
    assert not progress.add_evaluation(3.0)
    for step, loss in ((10, 2.0), (20, 2.5), (30, 2.1)):
        progress.add_step(step, step / 10, loss, 1.0)
        progress.add_evaluation(loss)
    assert (progress.base_validation_loss, progress.best_validation_loss, progress.best_step) == (3.0, 2.0, 10)
    assert progress.evaluations_without_gain == 2
