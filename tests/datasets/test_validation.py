"""What the validator finds, and what it says about it."""

import codecs
import gzip
import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.validation import Problem, Report, Validator
from datasets.validation.problems import KEEP
from tests.datasets.files import chat_file, chat_line

GOOD = chat_line(("user", "Hi"), ("assistant", "Hello"))


def validate(body: bytes, chunk_bytes: int = 7) -> Report:
    validator = Validator()
    for start in range(0, len(body), chunk_bytes):
        validator.feed(body[start : start + chunk_bytes])
    return validator.finish()


def only_error(body: bytes) -> Problem:
    (problem,) = validate(body).errors
    assert problem.suggestion
    return problem


def example(*messages: dict[str, Any] | Any) -> bytes:
    return json.dumps({"messages": list(messages)}).encode() + b"\n"


USER = {"role": "user", "content": "Weather?"}
ASSISTANT = {"role": "assistant", "content": "Sunny."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"at": "Bonn"}'}}],
}
ANSWER = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}


def test_a_good_file_is_counted_and_ready() -> None:
    body = chat_file(60)
    report = validate(body)
    assert report.training_ready
    assert (report.errors, report.warnings) == ((), ())
    assert (report.training_pairs, report.validation_pairs) == (60, 0)
    assert report.avg_turns == 2
    assert report.bytes == len(body)
    assert report.sha256 == hashlib.sha256(body).hexdigest()
    assert len(report.sample) == 3
    assert report.sample[0]["messages"][1] == {"role": "assistant", "content": "It is 1."}


def test_tokens_are_a_quarter_of_the_contents_bytes() -> None:
    report = validate(chat_line(("user", "äöü"), ("assistant", "1234567")))
    assert report.tokens == 4  # 6 + 7 bytes, rounded up
    assert report.avg_tokens == 4


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "empty"),
        (b"\n \n\r\n", "empty"),
        (gzip.compress(GOOD), "gzip"),
        (b"PK\x03\x04whatever", "ZIP"),
        (b"PAR1whatever", "Parquet"),
        (codecs.BOM_UTF16_LE + GOOD.decode().encode("utf-16-le"), "UTF-16"),
        (GOOD.decode().encode("utf-16-be"), "UTF-16"),
        (b"[" + GOOD + b"]", "JSON array"),
        (b"prompt,completion\nHi,Hello\n", "CSV"),
        (b'{\n  "messages": []\n}\n', "several lines"),
    ],
)
def test_a_file_that_is_not_json_lines_is_one_error_with_advice(body: bytes, error: str) -> None:
    problem = only_error(body)
    assert error in problem.error
    assert problem.line is None


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"messages": [}', "column 15"),
        (b"{'messages': []}", "double quotes"),
        (b'{"messages": []', "column 16"),
        (b"hello", "column 1"),
        (GOOD.strip() + b",", "Extra data"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": ' * 5000, "nested too deeply"),
        (b'{"messages": [], "messages": []}', "twice"),
        (b'{"messages": "\xff"}', "Byte 15 (0xff) is not UTF-8"),
        (b'{"messages": "\\ud83d"}', "surrogate"),
        (b"[1, 2]", "a list, not an object"),
        (b"null", "null, not an object"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_place(line: bytes, error: str) -> None:
    problem = only_error(GOOD + b"\n" + line + b"\n" + GOOD)
    assert error in problem.error
    assert problem.line == 3  # blank lines count


@pytest.mark.parametrize(
    ("line", "field", "error", "suggestion"),
    [
        (b"{}", "", "no messages", "Write"),
        (b'{"Messages": []}', "Messages", "no messages", "misspell"),
        (b'{"messages": {}}', "messages", "an object, not a list", "Write"),
        (b'{"messages": []}', "messages", "empty", "Write"),
        (example("Hi"), "messages[0]", "a text, not an object", "Write"),
        (example(USER, {"role": "asistant", "content": "x"}), "messages[1].role", "asistant", "“assistant”"),
        (example(USER, {"role": "gpt", "content": "x"}), "messages[1].role", "gpt", "“assistant”"),
        (example(USER, {"role": "User", "content": "x"}), "messages[1].role", "User", "“user”"),
        (example(USER, {"role": "zzz", "content": "x"}), "messages[1].role", "zzz", "system, user"),
        (example(USER, {"role": 1, "content": "x"}), "messages[1].role", "a number", "system, user"),
        (example(USER, {"content": "x"}), "messages[1].role", "no role", "Add"),
        (example(USER, {"role": "assistant"}), "messages[1].content", "no content", "Add"),
        (example(USER, {"role": "assistant", "value": "x"}), "messages[1].content", "no content", "Rename"),
        (example(USER, {"role": "assistant", "content": " \n"}), "messages[1].content", "empty", "Write"),
        (example(USER, {"role": "assistant", "content": 3}), "messages[1].content", "a number", "quotes"),
        (example(USER, {"role": "assistant", "content": []}), "messages[1].content", "list of parts", "Join"),
        (example(USER), "messages", "no assistant message", "Add"),
        (example(USER, ASSISTANT, USER), "messages[2].role", "from user", "End with"),
        (example(USER, {"role": "system", "content": "Be kind."}, ASSISTANT), "messages[1].role", "first", "Move"),
        (example(USER, ANSWER, ASSISTANT), "messages[1].role", "no tool was called", "tool_calls"),
        (example(USER, CALL, ANSWER | {"tool_call_id": "c2"}, ASSISTANT), "messages[2].tool_call_id", "c2", "id"),
        (example(USER | {"tool_calls": [{}]}, ASSISTANT), "messages[0].tool_calls", "cannot call", "Move"),
        (example(USER, CALL | {"tool_calls": "weather"}), "messages[1].tool_calls", "a text", "function"),
        (example(USER, CALL | {"tool_calls": [{}]}), "messages[1].tool_calls[0]", "names no function", "function"),
        (
            example(USER, CALL | {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}),
            "messages[1].tool_calls[0].function.arguments",
            "not valid JSON",
            "library",
        ),
        (chat_line(("user", "Hi"), ("assistant", "Ho"), tools={"a": 1}), "tools", "an object, not a list", "Write"),
        (chat_line(("user", "Hi"), ("assistant", "Ho"), tools="["), "tools", "not valid JSON", "Write"),
        (chat_line(("user", "Hi"), ("assistant", "Ho"), tools=[{"type": "function"}]), "tools[0]", "no name", "Write"),
    ],
)
def test_a_faulty_example_is_named_with_field_and_advice(line: bytes, field: str, error: str, suggestion: str) -> None:
    problem = only_error(line)
    assert (problem.line, problem.field) == (1, field)
    assert error in problem.error
    assert suggestion in problem.suggestion


@pytest.mark.parametrize(
    "line",
    [
        example(USER, ASSISTANT),
        example({"role": "system", "content": "Be kind."}, USER, ASSISTANT),
        example(USER, CALL, ANSWER, ASSISTANT),
        example(USER, CALL),
        example(USER, CALL, {"role": "tool", "content": ""}, ASSISTANT),
        example(USER, CALL | {"tool_calls": [{"function": {"name": "now"}}]}, ASSISTANT),
        example(USER | {"tool_calls": None}, ASSISTANT | {"tool_calls": []}),
        chat_line(("user", "Hi"), ("assistant", "Hello"), tools=[{"function": {"name": "now"}}, {"name": "at"}], id=7),
        chat_line(("user", "Hi"), ("assistant", "Hello"), tools='[{"name": "now"}]'),
        GOOD.replace(b"\n", b"\r\n"),
    ],
)
def test_a_sound_example_has_no_error(line: bytes) -> None:
    assert validate(line).errors == ()


@pytest.mark.parametrize(
    ("body", "line", "warning"),
    [
        (codecs.BOM_UTF8 + chat_file(60), 1, "BOM"),
        (chat_file(60) + chat_file(1), 61, "exact copy"),
        (chat_file(60) + example(USER, USER, ASSISTANT), 61, "Two user messages"),
        (chat_file(1), None, "far too little to learn from: 1 example."),
        (chat_file(9), None, "far too little"),
        (chat_file(10), None, "little to learn from: 10 examples."),
    ],
)
def test_what_does_no_harm_is_a_warning(body: bytes, line: int | None, warning: str) -> None:
    report = validate(body)
    assert report.training_ready
    (problem,) = report.warnings
    assert warning in problem.error
    assert problem.line == line


def test_every_error_is_counted_and_the_first_hundred_kept() -> None:
    report = validate(b"{}\n" * 1000, chunk_bytes=64)
    assert report.error_count == 1000
    assert len(report.errors) == KEEP
    assert report.errors[-1].line == KEEP
    assert not report.training_ready


def test_a_sample_is_short_and_says_what_it_leaves_out() -> None:
    report = validate(chat_line(*[("user", "x" * 5000), ("assistant", "\u0000y")] * 10), chunk_bytes=4096)
    (shown,) = report.sample
    assert len(shown["messages"]) + shown["omitted"] == 20
    assert len(shown["messages"][0]["content"]) < 2000
    assert "\x00" not in json.dumps(shown, ensure_ascii=False)


def test_a_tool_call_is_shown_in_the_sample() -> None:
    (shown,) = validate(example(USER, CALL)).sample
    assert shown["messages"][1]["tool_calls"] == ['weather({"at": "Bonn"})']


def test_an_endless_line_costs_no_memory_and_the_next_one_is_read() -> None:
    validator = Validator()
    tracemalloc.start()
    validator.feed(b'{"messages": "')
    for _ in range(64):
        validator.feed(b"x" * 1024 * 1024)
    validator.feed(b'"}\n' + GOOD)
    report = validator.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024
    (problem,) = report.errors
    assert (problem.line, problem.error) == (1, "The line is longer than 2 MiB.")
    assert report.training_pairs == 1


def test_it_says_from_where_on_it_no_longer_looks_for_copies() -> None:
    validator = Validator(max_remembered=59)
    validator.feed(chat_file(61))
    (warning,) = validator.finish().warnings
    assert warning.line == 60
    assert "among the first 59 different lines" in warning.error


def test_reading_stops_where_the_file_is_hopeless() -> None:
    validator = Validator()
    validator.feed(gzip.compress(bytes(100)) + bytes(10_000))
    assert validator.hopeless


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["role", "content"]), inner),
    max_leaves=12,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["system", "user", "assistant", "tool", "gpt"]) | JSON_VALUES,
            "content": st.text() | JSON_VALUES,
            "tool_calls": st.just(CALL["tool_calls"]) | JSON_VALUES,
            "tool_call_id": st.text() | JSON_VALUES,
        },
    )
    | JSON_VALUES,
    max_size=5,
)


@given(st.lists(MESSAGES | JSON_VALUES, max_size=4), st.integers(1, 64))
def test_no_json_makes_it_fail_and_every_finding_can_be_stored(values: list[Any], chunk_bytes: int) -> None:
    body = b"".join(json.dumps({"messages": value}).encode() + b"\n" for value in values)
    report = validate(body, chunk_bytes)
    stored = json.dumps([problem.as_json() for problem in (*report.errors, *report.warnings)] + [*report.sample])
    assert "\\u0000" not in stored
    assert "\\ud8" not in stored.lower() or json.loads(stored)  # pairs are fine, halves would not encode
    json.dumps(json.loads(stored), ensure_ascii=False).encode()


@given(st.binary(max_size=300), st.integers(1, 64))
def test_no_bytes_make_it_fail_and_chunks_do_not_matter(body: bytes, chunk_bytes: int) -> None:
    assert validate(body, chunk_bytes) == validate(body, 1000)
