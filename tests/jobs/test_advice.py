"""What somebody who knows would say to settings that are allowed."""

from typing import Any

import pytest

from jobs import advice, presets


def said(*, has_validation: bool = True, **changes: Any) -> str:
    settings = presets.resolve("recommended", changes)
    return " ".join(advice.given_for(settings, has_validation=has_validation))


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
    ],
)
def test_what_is_allowed_and_seldom_wise_is_said(changes: dict[str, Any], words: str) -> None:
    assert words in said(**changes)


def test_nothing_is_said_of_a_high_rank_that_is_scaled_for_it() -> None:
    assert "use_rslora" not in said(rank=64, use_rslora=True)


def test_a_run_that_holds_nothing_out_is_told_what_it_misses() -> None:
    assert "no validation loss" in said(has_validation=False)


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
