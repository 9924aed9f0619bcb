"""Figures as the pages write them: what is absent is a dash, 0 stays 0."""

from decimal import Decimal
from typing import Any

import pytest

from jobs.templatetags import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), ("", "—"), (0, "0"), (2.31041, "2.3104"), (0.000012, "1.2e-5"), (2e-4, "2e-4"), (5412.7, "5,413")],
)
def test_a_measure_keeps_what_matters(value: Any, text: str) -> None:
    assert figures.measure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (65, "1 min 5 s"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


def test_money_has_cents() -> None:
    assert figures.dollars(Decimal("1234.5")) == "$1,234.50"
    assert figures.dollars(Decimal(0)) == "$0.00"
    assert figures.dollars(None) == "—"


def test_absent_and_zero_differ_everywhere() -> None:
    for write in (figures.count, figures.dollars, figures.percent, figures.measure, figures.bound):
        assert write(None) == "—"
        assert write(0).startswith(("0", "$0"))


def test_ends_of_ranges_are_short() -> None:
    assert [figures.bound(end) for end in (1e-6, 0.01, 64, 131_072)] == ["1e-6", "0.01", "64", "131,072"]


def test_a_model_s_size_is_written_in_words() -> None:
    sizes = (7_615_616_512, 135_000_000, 8_000_000_000)
    assert [figures.weights(size) for size in sizes] == ["7.6 billion", "135 million", "8 billion"]
    assert figures.weights(None) == "—"


def test_a_stage_is_written_in_words() -> None:
    assert figures.words("queued_on_gpu") == "Queued on GPU"
    assert figures.words(None) == "—"
