"""From what a user sends to one complete configuration, or to sentences about each field."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import presets
from jobs.exceptions import InvalidJob

REPO = Path(__file__).parents[2]


def problems(overrides: dict[str, Any], preset_id: str = "recommended") -> dict[str, list[str]]:
    with pytest.raises(InvalidJob) as caught:
        presets.resolve(preset_id, overrides)
    return caught.value.details


@pytest.mark.parametrize(
    ("preset_id", "values"),
    [
        ("fast", (1e-4, 8, 1, 8, 16, 0.05)),
        ("balanced", (5e-5, 4, 3, 16, 32, 0.1)),
        ("quality", (3e-5, 2, 5, 32, 64, 0.1)),
        ("recommended", (2e-4, 4, 3, 16, 32, 0.05)),
    ],
)
def test_presets_are_what_their_users_were_promised(preset_id: str, values: tuple[float, ...]) -> None:
    resolved = presets.resolve(preset_id, {})
    names = ("learning_rate", "batch_size", "epochs", "rank", "alpha", "dropout")
    assert tuple(resolved[name] for name in names) == values


def test_recommended_is_the_default_and_fast_is_shown_as_a_quick_test() -> None:
    assert presets.DEFAULT_PRESET == "recommended"
    assert presets.PRESETS["fast"].label == "Quick Test"
    assert set(presets.PRESETS) == {"recommended", "fast", "balanced", "quality", "custom"}


@pytest.mark.parametrize("preset_id", presets.PRESETS)
def test_every_preset_gives_every_hyperparameter_within_its_range(preset_id: str) -> None:
    resolved = presets.resolve(preset_id, {})
    assert list(resolved) == list(presets.FIELDS)
    assert presets.resolve("custom", resolved) == resolved


def test_an_explicit_value_beats_the_preset() -> None:
    assert presets.resolve("fast", {"rank": 64, "dropout": 0})["rank"] == 64
    assert presets.resolve("fast", {"dropout": 0})["dropout"] == 0.0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("learning_rate", 1e-6, 1e-2), ("batch_size", 1, 64), ("epochs", 1, 50), ("rank", 1, 256), ("dropout", 0, 0.5)],
)
def test_both_ends_of_a_range_are_accepted_and_what_lies_beyond_is_not(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert presets.resolve("custom", {name: value})[name] == value
    for value in (low * 0.99 - 0.01, high * 1.01 + 0.01, high + 1):
        assert list(problems({name: value})) == [f"hyperparameters.{name}"]


def test_a_refusal_names_the_range_and_the_value() -> None:
    assert problems({"rank": 0}) == {"hyperparameters.rank": ["Must be a whole number from 1 to 256, not 0."]}
    assert problems({"learning_rate": 1}) == {
        "hyperparameters.learning_rate": ["Must be a number from 1e-6 to 0.01, not 1."]
    }
    assert problems({"lr_scheduler": "cosin"}) == {
        "hyperparameters.lr_scheduler": ['Must be one of cosine, linear, constant, not "cosin".']
    }


@pytest.mark.parametrize("value", [True, "8", None, [8], {"value": 8}, 8.5, float("nan"), float("inf"), 10**400])
def test_only_whole_finite_numbers_are_numbers(value: Any) -> None:
    assert list(problems({"rank": value})) == ["hyperparameters.rank"]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    rank = presets.resolve("custom", {"rank": 8.0})["rank"]
    assert (rank, type(rank)) == (8, int)


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [("lora_rank", "rank"), ("lr", "learning_rate"), ("learing_rate", "learning_rate"), ("num_epochs", "epochs")],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(unknown: str, meant: str) -> None:
    assert problems({unknown: 1}) == {f"hyperparameters.{unknown}": [f"Unknown: did you mean {meant}?"]}


def test_all_problems_are_told_at_once() -> None:
    assert set(problems({"rank": 0, "epochs": 51, "lora_rank": 3})) == {
        "hyperparameters.rank",
        "hyperparameters.epochs",
        "hyperparameters.lora_rank",
    }


def test_an_unknown_preset_is_refused_with_the_one_that_was_meant() -> None:
    assert problems({}, "recomended") == {"preset_id": ["Unknown: did you mean recommended?"]}


def test_gpus_are_a_known_type_and_one_to_eight_of_it() -> None:
    assert presets.resolve_gpus({"type": "H100-80GB"}, ["H100-80GB"]) == {"type": "H100-80GB", "count": 1}
    for count in (0, 9, 1.5, True, "2", None):
        with pytest.raises(InvalidJob) as caught:
            presets.resolve_gpus({"type": "H100-80GB", "count": count}, ["H100-80GB"])
        assert "from 1 to 8" in caught.value.details["gpu_config.count"][0]


def test_gpu_settings_under_other_names_are_never_ignored() -> None:
    with pytest.raises(InvalidJob) as caught:
        presets.resolve_gpus({"gpu_type": "H100-80GB", "num_gpus": 4}, ["H100-80GB"])
    assert caught.value.details == {
        "gpu_config.gpu_type": ["Unknown: did you mean type?"],
        "gpu_config.num_gpus": ["Unknown: did you mean count?"],
        "gpu_config.type": ["The GPU type is missing. Offered: H100-80GB."],
    }


def test_the_effective_batch_counts_gpus_and_accumulated_batches() -> None:
    assert presets.effective_batch_size({"batch_size": 4, "gradient_accumulation_steps": 2}, 8) == 64


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(overrides=st.dictionaries(st.sampled_from([*presets.FIELDS, "lora_rank", "x"]) | st.text(), JSON))
def test_whatever_arrives_is_resolved_or_refused_in_words(overrides: dict[str, Any]) -> None:
    try:
        names = list(presets.resolve("custom", overrides))
    except InvalidJob as refusal:
        names = list(refusal.details)
        overrides = {f"hyperparameters.{name}": None for name in overrides}
    assert names == list(presets.FIELDS) or set(names) <= set(overrides)


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None, []])
def test_a_switch_is_true_or_false_and_nothing_else(value: Any) -> None:
    assert presets.resolve("custom", {"use_rslora": True})["use_rslora"] is True
    assert problems({"use_rslora": value})["hyperparameters.use_rslora"][0].startswith("Must be true or false, not")


def test_people_read_what_a_zero_or_a_switch_means() -> None:
    assert presets.FIELDS["eval_steps"].shown(0) == "automatic"
    assert presets.FIELDS["eval_steps"].shown(25) == 25
    assert presets.FIELDS["early_stopping_patience"].shown(0) == "off"
    assert presets.FIELDS["packing"].shown(False) == "no"
    assert presets.FIELDS["dropout"].shown(0.0) == 0.0


TRAINERS_SETTINGS = """
import dataclasses, json
from lora_trainer.hyperparameters import Hyperparameters
print(json.dumps({each.name: [each.default, dict(each.metadata)] for each in dataclasses.fields(Hyperparameters)}))
"""


def test_the_trainer_knows_the_same_settings_with_the_same_defaults_and_ranges() -> None:
    """The two share no code: a setting that only one of them knew would be refused after the GPU was paid for."""
    environment = {"PYTHONPATH": str(REPO / "trainer" / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", TRAINERS_SETTINGS], env=environment, capture_output=True, text=True, check=True
    )
    theirs = json.loads(answer.stdout)
    ours = {}
    for name, field in presets.FIELDS.items():
        limits = {} if field.minimum is None else {"least": field.minimum, "most": field.maximum}
        ours[name] = [field.default, {"choices": list(field.choices)} if field.choices else limits]
    assert theirs == ours
