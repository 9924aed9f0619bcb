"""A run's own summary, whatever a cluster puts into it."""

from typing import Any

import pytest

from jobs import summary
from jobs.summary import Sample, Skipped, Turn

WHOLE: dict[str, Any] = {
    "steps": 135,
    "seconds": 301.5,
    "stopped": None,
    "tokens": {"dataset": 28_800, "processed": 90_000, "lost_to_truncation": 1_200, "longest": 3_211},
    "examples": {"truncated": 3, "without_loss": 1, "skipped": [{"line": 12, "reason": "not valid JSON"}]},
    "samples": [
        {"prompt": [{"role": "user", "content": "Hello?"}], "expected": "Yes.", "base": "No.", "adapter": "Yes."}
    ],
}


def test_figures_and_answers_are_read() -> None:
    told = summary.read(WHOLE)
    assert (told.steps, told.seconds, told.tokens, told.dataset_tokens) == (135, 301.5, 90_000, 28_800)
    assert (told.lost_to_truncation, told.lost_share, told.truncated) == (1_200, 4.0, 3)
    assert told.skipped == (Skipped(12, "not valid JSON"),)
    assert told.samples == (Sample((Turn("user", "Hello?"),), "Yes.", "No.", "Yes."),)
    assert told.skipped_count == 1


@pytest.mark.parametrize("nothing", [None, {}, [], "text", 7])
def test_without_a_summary_nothing_is_known(nothing: Any) -> None:
    told = summary.read(nothing)
    assert (told.steps, told.tokens, told.lost_share, told.skipped, told.samples) == (None, None, None, (), ())


@pytest.mark.parametrize("wrong", [True, "12", -1, float("nan"), float("inf"), 10**400, [], {}])
def test_what_is_no_figure_is_left_out(wrong: Any) -> None:
    told = summary.read({"steps": wrong, "tokens": {"processed": wrong}, "examples": wrong})
    assert (told.steps, told.tokens, told.truncated) == (None, None, None)


@pytest.mark.parametrize("wrong", [None, 3, "text", [1, None, "x"], [{"prompt": None}], [{"prompt": []}]])
def test_what_is_no_answer_is_left_out(wrong: Any) -> None:
    assert summary.read({"samples": wrong, "examples": {"skipped": wrong}}).samples == ()


def test_more_lines_may_be_skipped_than_are_named() -> None:
    assert summary.read({"examples": {"skipped": [{"line": 1}], "skipped_count": 70}}).skipped_count == 70


def test_endless_lists_and_texts_are_cut() -> None:
    sample = {"prompt": [{"role": "user", "content": "x" * 10**6}]}
    told = summary.read({"samples": [sample] * 500, "examples": {"skipped": [{"line": 1}] * 10**5}})
    assert len(told.samples) == summary.MAX_SAMPLES
    assert len(told.samples[0].prompt[0].text) == summary.MAX_TEXT
    assert len(told.skipped) == summary.MAX_SKIPPED
