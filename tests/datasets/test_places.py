"""Any example of a file is found again by reading a little of it."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.validation import Validator
from datasets.validation.lines import MAX_LINE_BYTES, Line
from datasets.validation.places import EXTREMES, Found, Index, Mark, Places, examples_from
from tests.datasets.files import chat_line


def index_of(body: bytes) -> Index:
    validator = Validator()
    for start in range(0, len(body), 100_000):
        validator.feed(body[start : start + 100_000])
    return Index(validator.finish().places)


def found(body: bytes, mark: Mark, number: int) -> Found:
    return next(each for each in examples_from(mark, [body[mark.offset :]]) if each.number == number)


def line_of(number: int, text: str) -> bytes:
    return chat_line(("user", f"Number {number}"), ("assistant", text))


def test_every_example_is_found_between_blank_and_faulty_lines_and_one_that_is_too_long() -> None:
    chance = random.Random(7)  # noqa: S311 - the same in every run
    pieces, lines = [b"\xef\xbb\xbf"], []
    for number in range(1, 400):
        for noise in chance.sample([b"\r\n", b"{broken\n", b"x" * (MAX_LINE_BYTES + 9) + b"\n"], k=number % 50 == 0):
            pieces.append(noise)
        pieces.append(line_of(number, "y" * chance.randrange(1, 2000)))
        lines.append(len(pieces) - 1)
    body = b"".join(pieces)
    index = index_of(body)
    assert len(index.marks) > 5
    for number in (1, 2, 50, 199, 200, 399):
        mark = index.before_example(number)
        example = found(body, mark, number)
        assert (example.line, example.messages[0]["content"]) == (lines[number - 1], f"Number {number}")
        by_line = index.before_line(example.line)
        assert found(body, by_line, number) == example
    assert index.before_line(10**9) == index.marks[-1]


def test_the_longest_and_the_shortest_are_known_the_earlier_of_two_alike_first() -> None:
    sizes = [400, 4000, 40, 4000, 4, *[1000] * 100]
    body = b"".join(line_of(number, "y" * size) for number, size in enumerate(sizes, start=100))
    index = index_of(body)
    assert [mark.line for mark in index.longest[:4]] == [2, 4, 6, 7]
    assert [mark.line for mark in index.shortest[:4]] == [5, 3, 1, 6]
    assert len(index.longest) == len(index.shortest) == EXTREMES
    second = index.longest[1]
    assert found(body, second, second.examples + 1).messages[0]["content"] == "Number 103"


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=300), st.integers(1, 40))
def test_marks_are_few_and_between_two_of_them_there_is_little_to_read(sizes: list[int], most: int) -> None:
    places = Places(stride=64, most=most)
    offsets = [0, *itertools.accumulate(sizes)][:-1]
    for number, offset in enumerate(offsets, start=1):
        places.pass_line(Line(number, b"", offset), number - 1)
    assert places.marks[0] == Mark(0, 1, 0)
    assert len(places.marks) <= most
    assert places.stride <= max(64, 2 * sum(sizes))
    for offset in offsets:
        before = max(mark.offset for mark in places.marks if mark.offset <= offset)
        assert offset - before < 2 * places.stride


@pytest.mark.parametrize("stored", [{}, {"marks": []}])
def test_without_marks_reading_begins_at_the_beginning(stored: dict[str, list[int]]) -> None:
    assert Index(stored).before_example(9) == Index(stored).before_line(9) == Mark(0, 1, 0)
