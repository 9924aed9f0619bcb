"""How long examples are, in a histogram that stays small and still answers what a maximum length takes away."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.validation import Validator, lengths
from datasets.validation.lengths import BUCKETS, Lengths
from tests.datasets.files import chat_line


def of(*examples: tuple[int, int]) -> Lengths:
    made = Lengths()
    for tokens, learned in examples:
        made.add(tokens, learned)
    return made


def test_nothing_is_cut_below_the_limit() -> None:
    cut = of((100, 40), (200, 60)).cut(2048)
    assert (cut.examples, cut.tokens, cut.learned, cut.longest) == (2, 300, 100, 200)
    assert (cut.lost, cut.lost_learned, cut.cut_examples, cut.dropped) == (0, 0, 0, 0)


def test_what_is_lost_comes_from_the_end_where_the_answers_are() -> None:
    cut = of((1000, 400), (100, 50)).cut(800)
    assert (cut.lost, cut.lost_learned, cut.cut_examples, cut.dropped) == (200, 200, 1, 0)
    assert (cut.tokens, cut.learned, cut.longest) == (900, 250, 800)


def test_an_example_that_loses_its_whole_answer_is_not_trained_at_all() -> None:
    cut = of((5000, 100)).cut(2048)
    assert (cut.dropped, cut.tokens, cut.learned, cut.lost_learned) == (1, 0, 0, 100)


def test_a_scale_corrects_estimated_lengths_before_the_cut() -> None:
    cut = of((1000, 600)).cut(1200, scale=1.5)
    assert (cut.tokens, cut.lost, cut.learned) == (1200, 300, 600)


def test_it_survives_a_row_in_the_database() -> None:
    kept = of((1, 1), (90, 30), (95, 40), (100_000, 5))
    assert lengths.read(json.loads(json.dumps(kept.as_json()))) == kept


def test_datasets_of_earlier_have_none() -> None:
    assert lengths.read({}) is None


@given(st.lists(st.integers(0, 2**40), max_size=60), st.integers(64, 131_072))
def test_it_stays_small_and_counts_every_token_once(sizes: list[int], limit: int) -> None:
    made = of(*((size, size // 2) for size in sizes))
    cut = made.cut(limit)
    assert len(made.buckets) <= BUCKETS
    assert cut.examples == len(sizes)
    assert cut.tokens + cut.lost == sum(sizes)
    assert cut.learned + cut.lost_learned == sum(size // 2 for size in sizes)


@given(st.lists(st.integers(10, 5000), min_size=20, max_size=60), st.integers(64, 4096))
def test_it_is_off_by_less_than_a_bucket(sizes: list[int], limit: int) -> None:
    lost = sum(max(0, size - limit) for size in sizes)
    assert of(*((size, size) for size in sizes)).cut(limit).lost == pytest.approx(lost, abs=0.1 * limit * len(sizes))


def test_a_validated_file_knows_the_lengths_of_its_examples() -> None:
    validator = Validator()
    validator.feed(
        chat_line(("user", "x" * 40), ("assistant", "y" * 20)) + chat_line(("user", "?"), ("assistant", "!"))
    )
    report = validator.finish()
    assert report.lengths.longest == 15
    cut = report.lengths.cut(2048)
    assert (cut.examples, cut.tokens, cut.learned) == (2, 16, 6)


def test_a_quantile_is_right_to_its_bucket() -> None:
    kept = Lengths()
    for tokens in (*[100] * 50, *[400] * 45, *[3000] * 5):
        kept.add(tokens, 1)
    assert [kept.quantile(share) for share in (0.0, 0.5, 0.51, 0.95, 1.0)] == [100, 100, 400, 400, 3000]
    assert Lengths().quantile(0.5) == 0


def test_a_histogram_has_a_bar_for_every_half_octave() -> None:
    kept = Lengths()
    for tokens in (16, 17, 24, 64):
        kept.add(tokens, 1)
    assert kept.octaves() == [(4.0, 2), (4.5, 1), (5.0, 0), (5.5, 0), (6.0, 1)]
    assert Lengths().octaves() == []
