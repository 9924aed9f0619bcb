"""Every layout that the trainer reads is accepted, judged in its own names, and read as the trainer reads it."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datasets.validation import Report, Validator, chat
from datasets.validation.problems import KEEP
from tests.datasets.files import chat_line

TRAINERS_READER = Path(__file__).parents[2] / "trainer" / "src" / "lora_trainer" / "data" / "layouts.py"

ASK, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
HUMAN, GPT = {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}
CALL = {"from": "function_call", "value": '{"name": "weather", "arguments": {"at": "Bonn"}}'}

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "chat": [{"messages": [ASK, ANSWER]}],
    "prompt_completion": [{"prompt": "Hi", "completion": "Hello"}, {"prompt": [ASK], "completion": [ANSWER]}],
    "sharegpt": [{"conversations": [HUMAN, GPT]}, {"conversations": [ASK, ANSWER], "system": " "}],
    "alpaca": [{"instruction": "Hi", "output": "Hello"}, {"instruction": "Hi", "input": "", "output": "Hello"}],
}


def validate(*values: object) -> Report:
    validator = Validator()
    for value in values:
        validator.feed(json.dumps(value).encode() + b"\n")
    return validator.finish()


@pytest.mark.parametrize(("layout", "value"), [(name, value) for name, all_ in EXAMPLES.items() for value in all_])
def test_each_layout_is_counted_and_shown_as_the_same_chat(layout: str, value: dict[str, Any]) -> None:
    report = validate(value)
    assert report.training_ready
    assert (report.format, report.training_pairs, report.avg_turns) == (layout, 1, 2)
    assert report.sample == ({"messages": [ASK, ANSWER], "omitted": 0},)
    assert (report.tokens, report.lengths.cut(2048).learned) == (2, 2)  # 2 + 5 bytes, of them 5 in the answer


def test_a_file_of_one_layout_has_no_other_findings_than_a_chat() -> None:
    lines = [{"instruction": f"What is {number} + 1?", "output": f"It is {number + 1}."} for number in range(60)]
    report = validate(*lines, lines[0])
    assert [problem.error for problem in report.warnings] == ["The example is an exact copy of an earlier one."]


def test_an_alpaca_input_follows_its_instruction() -> None:
    report = validate({"system": "Be kind.", "instruction": "Translate.", "input": "Hallo", "output": "Hello"})
    assert [message["content"] for message in report.sample[0]["messages"]] == [
        "Be kind.",
        "Translate.\n\nHallo",
        "Hello",
    ]


def test_a_share_gpt_call_is_shown_as_one() -> None:
    report = validate({"conversations": [HUMAN, CALL, {"from": "observation", "value": "sunny"}, GPT]})
    assert report.errors == ()
    roles = [message["role"] for message in report.sample[0]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    assert report.sample[0]["messages"][1]["tool_calls"] == ['weather({"at": "Bonn"})']


def test_a_file_that_mixes_layouts_is_ready_and_says_so() -> None:
    chats = [json.loads(chat_line(("user", str(number)), ("assistant", "Yes."))) for number in range(50)]
    report = validate(*chats, *EXAMPLES["alpaca"], *EXAMPLES["sharegpt"])
    assert report.training_ready
    assert (report.format, report.training_pairs) == ("mixed", 54)
    (warning,) = report.warnings
    assert warning.line == 51
    assert "50 chat, 2 Alpaca, 2 ShareGPT" in warning.error


def test_many_warnings_do_not_hide_that_layouts_are_mixed() -> None:
    report = validate(*[{"prompt": "Hi", "completion": "Hello"}] * 200, {"messages": [ASK, ANSWER]})
    assert (report.warnings[0].line, len(report.warnings), report.warning_count) == (201, KEEP, 200)


@pytest.mark.parametrize(
    ("value", "field", "error", "suggestion"),
    [
        ({"conversations": {}}, "conversations", "an object, not a list", "Write"),
        ({"conversations": []}, "conversations", "empty", "Write"),
        ({"conversations": ["Hi"]}, "conversations[0]", "a text, not an object", "Write"),
        ({"conversations": [HUMAN, {"from": "Gpt", "value": "x"}]}, "conversations[1].from", "“Gpt”", "“gpt”"),
        ({"conversations": [HUMAN, {"from": "bot", "value": "x"}]}, "conversations[1].from", "“bot”", "“assistant”"),
        ({"conversations": [HUMAN, {"value": "x"}]}, "conversations[1].from", "no from", "human"),
        ({"conversations": [HUMAN, {"from": None, "role": "gpt", "value": "x"}]}, "conversations[1].from", "no", "Add"),
        ({"conversations": [HUMAN, {"from": "gpt"}]}, "conversations[1].value", "no value", "Add the text as value"),
        ({"conversations": [HUMAN, {"from": "gpt", "value": ""}]}, "conversations[1].value", "value is empty", "Write"),
        ({"conversations": [ASK, {"role": "gpt", "content": ""}]}, "conversations[1].content", "content is", "Write"),
        ({"conversations": [HUMAN, GPT, HUMAN]}, "conversations[2].from", "from user", "End with"),
        ({"conversations": [HUMAN]}, "conversations", "no assistant message", "Add"),
        (
            {"system": "Be kind.", "conversations": [{"from": "system", "value": "Be brief."}, HUMAN, GPT]},
            "conversations[0].from",
            "not the first one",
            "Move",
        ),
        ({"conversations": [HUMAN, {"from": "tool", "value": "x"}, GPT]}, "conversations[1].from", "no tool", "call"),
        ({"conversations": [HUMAN, CALL | {"value": "weather"}]}, "conversations[1].value", "no function", "name"),
        ({"conversations": [HUMAN, CALL | {"value": "[1]"}]}, "conversations[1].value", "no function", "name"),
        ({"conversations": [HUMAN, CALL | {"value": "[" * 9999}]}, "conversations[1].value", "no function", "name"),
        (
            {"conversations": [HUMAN, CALL | {"value": '{"name": "f", "arguments": "{"}'}, {"from": "tool"} | GPT]},
            "conversations[1].value",
            "arguments is not valid JSON",
            "library",
        ),
        ({"prompt": "Hi", "completion": " "}, "completion", "completion is empty", "Write"),
        ({"prompt": "Hi", "completion": None}, "completion", "completion is null", "text"),
        ({"prompt": 3, "completion": "Hi"}, "prompt", "prompt is a number", "text"),
        ({"prompt": "Hi", "completion": [ANSWER]}, "completion", "prompt is a text, but completion is a list", "both"),
        ({"prompt": [], "completion": [ANSWER]}, "prompt", "empty", "Write"),
        ({"prompt": [ASK], "completion": [ASK | {"role": "gpt"}]}, "completion[0].role", "gpt", "“assistant”"),
        ({"prompt": [ASK | {"content": 1}], "completion": [ANSWER]}, "prompt[0].content", "a number", "quotes"),
        (
            {"prompt": [ASK, ANSWER], "completion": [ASK | {"role": "tool"}, ANSWER]},
            "completion[0].role",
            "tool",
            "call",
        ),
        ({"instruction": "", "input": " ", "output": "Hello"}, "instruction", "instruction is empty", "Write"),
        ({"instruction": None, "input": "Hi", "output": "Hello"}, "instruction", "null", "quotes"),
        ({"instruction": "Hi", "input": 3, "output": "Hello"}, "input", "a number", "quotes"),
        ({"instruction": "Hi", "output": ""}, "output", "output is empty", "Write"),
        ({"instruction": "Hi", "output": ["Hello"]}, "output", "a list", "quotes"),
        ({"instruction": "Hi", "output": "Hello", "system": 3}, "system", "a number", "quotes"),
        ({"messages": [ASK, ANSWER], "conversations": [HUMAN, GPT]}, "conversations", "both messages and", "Keep one"),
        (
            {"instruction": "Hi", "context": "", "response": "Hello"},
            "response",
            "response",
            "Rename response to output",
        ),
        ({"question": "Hi", "answer": "Hello"}, "answer", "question and answer", "Rename question to prompt"),
        ({"input": "Hi", "output": "Hello"}, "output", "input and output", "Rename input to prompt"),
        ({"text": "Hi"}, "text", "only text", "Split"),
        ({"prompt": "Hi", "Completion": "Hello"}, "Completion", "no completion", "misspell"),
        ({"conversation": [HUMAN, GPT]}, "conversation", "no conversations", "misspell"),
    ],
)
def test_a_faulty_example_is_named_in_the_names_of_its_own_layout(
    value: object, field: str, error: str, suggestion: str
) -> None:
    (problem,) = validate(value).errors
    assert (problem.line, problem.field) == (1, field)
    assert error in problem.error
    assert suggestion in problem.suggestion


def test_a_file_in_no_known_layout_has_no_format() -> None:
    assert validate({"text": "Hi"}).format == ""


def load_trainers_reader() -> ModuleType:
    """The trainer's module for layouts, without its package: it needs nothing but the standard library."""
    spec = importlib.util.spec_from_file_location("trainers_reader", TRAINERS_READER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trainer = load_trainers_reader()

# What is refused here although a trainer could use it: it would be learned, but is hardly what was meant.
STRICTER = ("No call before it has the id", "arguments is ")

ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})
)
TEXTS = st.sampled_from(["Hi", "", " ", "[", '{"name": "f"}', '{"name": "f", "arguments": "{"}', '[{"name": "f"}]'])
NAMES = st.sampled_from(["system", "user", "assistant", "tool", *trainer._SHARE_GPT_ROLES, "alien", "User"])
CALLS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from(["1", "2"]),
            "function": st.fixed_dictionaries({}, optional={"name": TEXTS | ANYTHING, "arguments": TEXTS | ANYTHING}),
        },
    )
    | ANYTHING,
    max_size=2,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": NAMES | ANYTHING,
            "content": TEXTS | ANYTHING,
            "from": NAMES | ANYTHING,
            "value": TEXTS | ANYTHING,
            "tool_calls": CALLS | ANYTHING,
            "tool_call_id": st.sampled_from(["1", "2"]) | ANYTHING,
        },
    )
    | ANYTHING,
    max_size=4,
)
SOUND = st.lists(st.sampled_from([ASK, ANSWER, HUMAN, GPT, CALL, {"from": "system", "value": "x"}]), max_size=4)
ENDED = SOUND.map(lambda turns: [*turns, ANSWER])
FIELDS = ["messages", "conversations", "prompt", "completion", "instruction", "input", "output", "system", "tools"]
LINES = st.dictionaries(st.sampled_from(FIELDS), TEXTS | TURNS | SOUND | ENDED | ANYTHING, max_size=5) | ANYTHING


@given(LINES)
@example({"messages": [ASK | {"tool_calls": {}}, ANSWER]})
@example({"instruction": "", "input": "Hi", "output": "Hello"})
@example({"conversations": [CALL, {"from": "function_response", "value": ""}, {"from": "chatgpt", "value": "Hi"}]})
@example({"conversations": [{"from": "model", "role": "alien", "value": "Hi", "content": 3}]})
@example({"messages": [ASK, ANSWER], "prompt": "Hi", "completion": 3})
def test_it_accepts_what_the_trainer_accepts_and_reads_the_same_messages(value: object) -> None:
    """The two share no code: a line that only one of them took would be skipped after the GPU was paid for."""
    ours = chat.examine(value)
    try:
        theirs = list(trainer.read_example(1, value).messages)
    except trainer.Unusable:
        assert not ours.usable
        return
    errors = [finding.error for finding in ours.findings if finding.is_error]
    assert [error for error in errors if not error.startswith(STRICTER)] == []
    if ours.usable:
        assert [_as_rendered(message) for message in ours.messages] == theirs


def _as_rendered(message: dict[str, Any]) -> dict[str, Any]:
    """The message as templates want it: text where there is none, arguments as objects."""
    calls = message.get("tool_calls")
    rendered = {key: value for key, value in message.items() if key != "tool_calls"}
    rendered["content"] = message["content"] or "" if "content" in message else ""
    return rendered | ({"tool_calls": [_parsed(call) for call in calls]} if calls else {})


def _parsed(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call["function"].get("arguments", {})
    parsed = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
    return call | {"function": call["function"] | {"arguments": parsed}}


def test_it_knows_the_names_of_roles_that_the_trainer_knows() -> None:
    for name in (*trainer._SHARE_GPT_ROLES, "Human", "customer", "ai"):
        turns = [{"from": name, "value": '{"name": "f"}'}, GPT]
        known = name in trainer._SHARE_GPT_ROLES
        errors = [finding.error for finding in chat.examine({"conversations": turns}).findings]
        assert any("Unknown role" in error for error in errors) is not known


CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ({"prompt": "Hi", "chosen": "Hello", "rejected": "No"}, "jq -c '{prompt, completion: .chosen}'"),
        ({"chosen": CHAT, "rejected": CHAT}, "jq -c '{messages: .chosen}'"),
        (
            {"input": {"messages": CHAT}, "preferred_output": CHAT, "non_preferred_output": CHAT},
            "jq -c '{messages: (.input.messages + .preferred_output)}'",
        ),
    ],
)
def test_preference_data_is_refused_with_the_way_to_what_can_be_learned(line: dict[str, Any], advice: str) -> None:
    report = validate(line)
    (error,) = report.errors
    assert "This is preference data (DPO): training here learns one answer for each example" in error.error
    assert advice in error.suggestion
    assert len(report.error_kinds) == 1


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"prompt": "Hi", "completion": "No", "label": False}, "label"),
        ({"messages": [*CHAT, *CHAT[:1], {**CHAT[1], "weight": 0}]}, "messages[3].weight"),
        ({"prompt": "Hi", "completion": "Hello", "label": True}, None),
        ({"prompt": "Hi", "completion": "Hello", "label": 0}, None),
        ({"messages": [{**CHAT[0], "weight": 0}, {**CHAT[1], "weight": 1}]}, None),
    ],
)
def test_marks_of_other_trainers_that_are_not_heeded_are_warned_of(line: dict[str, Any], field: str | None) -> None:
    report = validate(line)
    assert report.training_ready
    warned = [warning.field for warning in report.warnings if warning.line]
    assert warned == ([field] if field else [])
