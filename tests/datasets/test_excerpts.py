"""Where findings are in their lines, what is shown of them, and how they are counted by kind."""

import json

import pytest

from datasets.validation import Report, Validator
from datasets.validation.excerpt import Excerpt, excerpt, visible
from datasets.validation.locate import locate
from datasets.validation.problems import KEEP, KEEP_OF_KIND, MAX_KINDS, OTHERS, Findings, kind_of_error
from tests.datasets.files import chat_file, chat_line


def report(body: bytes) -> Report:
    validator = Validator()
    validator.feed(body)
    return validator.finish()


def shown(body: bytes) -> Excerpt:
    """The excerpt of the only error."""
    (problem,) = report(body).errors
    assert problem.excerpt is not None
    return problem.excerpt


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("messages[1].role", '"gpt"'),
        ("messages[0]", '{ "role" : "user", "content": "a]}\\""}'),
        ("messages[1].nothing", '{"role":"gpt","content":"é"}'),
        ("messages[7].role", '[ { "role" : "user", "content": "a]}\\""} ,{"role":"gpt","content":"é"}]'),
        ("a.b[0]", "[1, 2]"),
        ("empty", "[]"),
        ("nothing", None),
        ("", None),
    ],
)
def test_a_field_is_found_in_its_line(field: str, found: str | None) -> None:
    line = (
        ' {"a.b[0]": [1, 2], "empty":[], "messages" : '
        '[ { "role" : "user", "content": "a]}\\""} ,{"role":"gpt","content":"é"}] } '
    )
    json.loads(line)
    place = locate(line, field)
    assert (place and line[slice(*place)]) == found


@pytest.mark.parametrize("line", ["", "{", "[", '{"a"', '{"a":', '{"a":1', "[1", "nonsense", '{"a" 1}', "{" * 100_000])
def test_a_broken_line_has_no_places_but_does_no_harm(line: str) -> None:
    assert locate(line, "b") is None
    assert locate(line, "[3]") is None


def test_a_faulty_value_is_marked_between_its_neighbours() -> None:
    before, after = chat_line(("user", "Before"), ("assistant", "x")), chat_line(("user", "After"), ("assistant", "y"))
    seen = shown(before + chat_line(("user", "Hi"), ("gpt", "Hello")) + after)
    assert seen.mark == '"gpt"'
    assert seen.before.endswith('"Hi"}, {"role": ')
    assert seen.after == ', "content": "Hello"}]}'
    assert seen.previous is not None
    assert seen.next is not None
    assert "Before" in seen.previous
    assert "After" in seen.next


def test_bad_json_is_marked_where_it_breaks() -> None:
    assert shown(b'  {"messages": [}\n') == Excerpt("  " + '{"messages": [', "}", "", None, None)
    cut = shown(b'{"messages": [{"role": "user"\n')
    assert (cut.before[-6:], cut.mark, cut.after) == ('"user"', "⏎", "")


def test_a_byte_that_is_no_text_is_marked_behind_letters_of_several_bytes() -> None:
    seen = shown('{"prompt": "é'.encode() + b"\xe9" + b'", "completion": "x"}\n')
    assert (seen.before, seen.mark) == ('{"prompt": "é', "\ufffd")


def test_a_long_line_is_cut_around_its_fault() -> None:
    seen = shown(chat_line(("user", "x" * 10_000), ("gpt", "y" * 10_000)))
    assert seen.before.startswith("…")
    assert seen.after.endswith("…")
    assert seen.mark == '"gpt"'
    assert len(seen.before + seen.after) < 200


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\tb\r\n", "a␉b␍␊"),
        ("a\u200bb\u202ec\x00\x7f", "a⟨U+200B⟩b⟨U+202E⟩c␀␡"),
    ],
)
def test_what_cannot_be_seen_has_a_sign(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_place_at_the_end_of_a_line_is_the_line_break() -> None:
    assert excerpt(b"abc", (3, 4)) == Excerpt("abc", "⏎", "")
    assert excerpt(b"abc", None) == Excerpt("", "", "abc")


def test_findings_are_counted_by_kind_and_some_of_each_are_kept() -> None:
    body = chat_file(10)
    body += b"".join(chat_line(("user", "Hi"), (f"role-{number}", "x")) for number in range(KEEP + 50))
    body += b"{]\n" * 20
    found = report(body)
    role = "Unknown role “…”."
    (json_kind,) = (kind for kind in found.error_kinds if kind.startswith("Not valid JSON at column …"))
    assert found.error_kinds[role] == KEEP + 50
    assert found.error_kinds[json_kind] == 20
    assert sum(found.error_kinds.values()) == found.error_count
    assert [problem.kind for problem in found.errors].count(json_kind) == KEEP_OF_KIND


def test_a_file_of_countless_kinds_costs_no_memory() -> None:
    findings = Findings()
    for number in range(1000):
        findings.add(number, "", "abcdefghijklmnopqrstuvwxyz"[number % 26] * (number // 26 + 1), "")
    assert len(findings.kinds) == MAX_KINDS + 1
    assert findings.kinds[OTHERS] == 1000 - MAX_KINDS
    assert len(findings.kept) == KEEP


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Unknown role “gpt”.", "Unknown role “…”."),
        ("Byte 17 (0xe9) is not UTF-8.", "Byte … is not UTF-8."),
        ("Not valid JSON at column 1,204: Expecting value.", "Not valid JSON at column …: Expecting value."),
    ],
)
def test_what_is_special_to_a_line_makes_no_kind(error: str, kind: str) -> None:
    assert kind_of_error(error) == kind


def test_a_report_holds_examples_to_page_through() -> None:
    found = report(chat_file(60))
    assert len(found.examples) == 25
    assert found.examples[1]["line"] == 2
    assert found.examples[1]["tokens"] == 6
    assert found.lines == 60
    long = report(chat_line(("user", "x"), ("assistant", "y" * 1_000_000)) * 3)
    assert [len(example["messages"][1]["content"]) for example in long.examples] == [6000] * 3
