"""What somebody who knows would say to settings that are allowed."""

from typing import Any

import pytest

from jobs import advice, presets


def warnings(*, examples: int = 1000, validation: int = 100, gpu_count: int = 1, **changes: Any) -> dict[str, str]:
    settings = presets.resolve("recommended", changes)
    on_data = advice.on_data(
        settings,
        examples=examples,
        validation_examples=validation,
        rows=examples,
        passes=float(settings["epochs"]),
        gpu_count=gpu_count,
    )
    said: dict[str, str] = {}
    for warning in (*advice.on_settings(settings), *on_data):
        said[warning.field] = f"{said.get(warning.field, '')} {warning.message}".strip()
    return said


def said(**changes: Any) -> str:
    return " ".join(warnings(**changes).values())


def test_the_recommended_settings_need_no_advice() -> None:
    assert said() == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rank": 2}, "below 4"),
        ({"rank": 256}, "above 128"),
        ({"rank": 24}, "--max-lora-rank 32"),
        ({"rank": 64}, "use_rslora"),
        ({"learning_rate": 5e-6}, "low for LoRA"),
        ({"learning_rate": 1e-3}, "often becomes unstable"),
        ({"alpha": 128}, "Alpha is 8 times the rank"),
        ({"alpha": 4}, "Alpha is 0.25 of the rank"),
        ({"warmup_ratio": 0.4}, "during 40% of the run"),
    ],
)
def test_what_is_allowed_and_seldom_wise_is_said(changes: dict[str, Any], words: str) -> None:
    assert words in said(**changes)


def test_nothing_is_said_of_a_high_rank_that_is_scaled_for_it() -> None:
    assert "use_rslora" not in said(rank=64, use_rslora=True)


def test_a_run_that_holds_nothing_out_is_told_what_it_misses() -> None:
    assert "no validation loss" in said(validation=0)


def test_each_sentence_stands_at_the_field_that_it_is_about() -> None:
    assert set(warnings(rank=64, alpha=64, learning_rate=1e-3)) == {
        "hyperparameters.rank",
        "hyperparameters.use_rslora",
        "hyperparameters.learning_rate",
    }


def test_many_passes_over_few_examples_are_warned_of() -> None:
    assert "5 passes over 900 examples are easily learned by heart" in said(examples=900, epochs=5)
    assert "by heart" not in said(examples=900, epochs=3)
    assert "by heart" not in said(examples=20_000, epochs=5)


def test_a_batch_is_compared_with_the_data() -> None:
    assert "A step takes 128 examples and there are 90" in said(examples=90, batch_size=16, gpu_count=8)
    assert "Only 15 steps" in said(examples=20, batch_size=4)
    assert "Only" not in said(examples=200, batch_size=4)


@pytest.mark.parametrize(
    ("share", "words"), [(0.123, "(12% of all)"), (0.001, "(less than 1% of all)"), (None, "300 tokens are")]
)
def test_what_is_cut_off_is_told_as_a_share(share: float | None, words: str) -> None:
    warning = advice.cut(2, 300, share, 2048)
    assert warning.field == "hyperparameters.max_length"
    assert words in warning.message


@pytest.mark.parametrize(("rank", "served"), [(1, 16), (16, 16), (17, 32), (128, 128), (256, 256)])
def test_the_server_is_told_the_smallest_rank_that_suffices(rank: int, served: int) -> None:
    assert advice.vllm_rank(rank) == served


def test_a_refusal_names_every_way_out() -> None:
    settings = presets.resolve("recommended", {})
    sentence = advice.too_large(50, 24, "RTX-4090", settings, ["A100-80GB"])
    assert sentence == (
        "About 50.0 GiB are needed on each GPU and a RTX-4090 has 24: lower batch_size and raise "
        "gradient_accumulation_steps, lower max_length, choose quantization nf4, or choose A100-80GB."
    )
    smallest = presets.resolve("recommended", {"batch_size": 1, "quantization": "nf4"})
    assert advice.too_large(50, 24, "T4", smallest, []).endswith("lower max_length, or choose a smaller base model.")
