"""What a machine can put right in a file, in chunks of any size."""

import codecs
import json
from typing import Any

import pytest

from datasets.validation import Validator
from datasets.validation.correction import Corrector, Summary, Uncorrectable
from datasets.validation.json_values import ValueSplitter
from tests.datasets.files import chat_file, chat_line

FILE = chat_file(60)


def corrected(body: bytes, size: int = 1_000_000, **options: Any) -> tuple[bytes, Summary]:
    corrector = Corrector(**options)
    written = [piece for at in range(0, len(body), size) for piece in corrector.feed(body[at : at + size])]
    return b"".join([*written, *corrector.finish()]), corrector.summary


def changes(summary: Summary) -> dict[str, int]:
    return dict(summary.changes)


def left_out(summary: Summary) -> dict[str, tuple[int, list[int]]]:
    return {reason: (out.count, out.lines) for reason, out in summary.left_out.items()}


@pytest.mark.parametrize("size", [1, 7, 4096, 1_000_000])
@pytest.mark.parametrize(
    ("body", "change"),
    [
        (codecs.BOM_UTF8 + FILE, {"byte order mark removed": 1}),
        (FILE.decode().encode("utf-16"), {"converted from UTF-16 to UTF-8": 1}),
        (FILE.decode().encode("utf-16-le"), {"converted from UTF-16 to UTF-8": 1}),
        (FILE.decode().encode("utf-16-be"), {"converted from UTF-16 to UTF-8": 1}),
        (FILE.decode().encode("utf-32"), {"converted from UTF-32 to UTF-8": 1}),
        (FILE.replace(b"\n", b"\r\n"), {"line ends converted from CRLF to LF": 60}),
        (FILE.replace(b"\n", b" \n"), {"spaces around lines removed": 60}),
        (b"[" + FILE.strip().replace(b"\n", b", \n") + b"]\n", {"written as one example per line": 1}),
    ],
)
def test_the_examples_stay_as_they_are_in_whatever_they_came(body: bytes, change: dict[str, int], size: int) -> None:
    written, summary = corrected(body, size)
    assert [json.loads(line) for line in written.splitlines()] == [json.loads(line) for line in FILE.splitlines()]
    assert changes(summary) == change
    assert not summary.left_out
    assert (summary.read, summary.written) == (60, 60)


def test_a_good_file_is_the_same() -> None:
    written, summary = corrected(FILE)
    assert written == FILE
    assert summary.is_same


@pytest.mark.parametrize("size", [3, 100_000])
def test_what_is_left_out_is_said_with_its_lines(size: int) -> None:
    first, second = FILE.splitlines(keepends=True)[:2]
    body = first + b"\n" + second + b"  \r\n" + first + b'{"messages": [}\n' + chat_line(("gpt", "x")) + b"caf\xe9\n"
    written, summary = corrected(body, size)
    assert written == first + second
    assert left_out(summary) == {
        "blank": (2, [2, 4]),
        "exact copy of an earlier one": (1, [5]),
        "Not valid JSON at column …: Expecting value.": (1, [6]),
        "Unknown role “…”.": (1, [7]),
        "Byte … is not UTF-8.": (1, [8]),
    }
    assert (summary.read, summary.written) == (8, 2)


def test_the_corrected_file_passes_the_validation() -> None:
    faulty = codecs.BOM_UTF8 + (FILE + b"{}\n\n" + FILE).replace(b"\n", b"\r\n")
    written, _ = corrected(faulty)
    validator = Validator()
    validator.feed(written)
    report = validator.finish()
    assert report.training_ready
    assert (report.training_pairs, report.warning_count) == (60, 0)


@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_json_over_several_lines_keeps_what_is_written_in_it(size: int) -> None:
    value = {"prompt": 'a "b" \\ [x] {y}, \u00e9 \n', "completion": "z", "weight": 1.50}
    text = json.dumps(value, indent=2, ensure_ascii=False).replace("1.5", "1.50")
    other = json.dumps({"prompt": "a", "completion": "b"}, indent=1)
    written, summary = corrected(f"{text}\n{other}".encode(), size)
    first, second = written.splitlines()
    assert json.loads(first) == value
    assert b"1.50" in first
    assert json.loads(second) == {"prompt": "a", "completion": "b"}
    assert (summary.unit, summary.written) == ("value", 2)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[]", []),
        ('[1, 2 , [3, [4]], {"a": [5]}]', ["1", "2", "[3,[4]]", '{"a":[5]}']),
        ("[{}] {}", ["{}", "{}"]),
        ('[{"a": "]}, \\\\"}, {"b": 1', ['{"a":"]}, \\\\"}', '{"b":1']),
        ("[}, 1]", ["}", "1"]),
        ('["open, 1]', ['"open, 1]']),
        ("  ", []),
        ("]]]", ["]", "]", "]"]),
    ],
)
def test_values_are_cut_where_they_end(text: str, values: list[str]) -> None:
    for size in (1, 2, 1000):
        splitter = ValueSplitter()
        lines = [line for at in range(0, len(text), size) for line in splitter.feed(text[at : at + size].encode())]
        found = [(line.data or b"?").decode() for line in [*lines, *splitter.finish()]]
        assert found == values


def test_a_value_that_is_too_long_costs_no_memory() -> None:
    splitter = ValueSplitter(max_bytes=10)
    lines = [*splitter.feed(b'["' + b"x" * 50 + b'", {"a": 1}, [' + b"1," * 50), *splitter.finish()]
    assert [(line.number, line.data) for line in lines] == [(1, None), (2, b'{"a":1}'), (3, None)]


def test_a_line_that_is_too_long_is_left_out() -> None:
    written, summary = corrected(FILE + chat_line(("user", "x" * 3_000_000), ("assistant", "y")))
    assert written == FILE
    assert left_out(summary) == {"longer than 2 MiB": (1, [61])}


def test_the_search_for_copies_is_bounded_and_says_so() -> None:
    body = FILE + FILE.splitlines(keepends=True)[50] * 2
    _, summary = corrected(body, max_remembered=10)
    assert summary.written == 62
    assert summary.notes == ["Copies were only looked for among the first 10 different lines."]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x1f\x8b" + b"x" * 100, "compressed with gzip"),
        (b"PK\x03\x04" + b"x" * 100, "ZIP archive"),
        (b"name,age\nx,1\n", "looks like CSV"),
        (b"{}\n{]\n", "Nothing would be left"),
        (b"", "Nothing would be left"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8{\x00" * 30, "not valid in its own encoding"),
    ],
)
def test_what_no_machine_can_mend_is_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(Uncorrectable, match=said):
        corrected(body)
