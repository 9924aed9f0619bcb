"""The four layouts, and what is refused."""

import pytest

from lora_trainer.data.layouts import Unusable, read_example

ASK, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [ASK, ANSWER]},
        {"prompt": "Hi", "completion": "Hello"},
        {"prompt": [ASK], "completion": [ANSWER]},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        {"instruction": "Hi", "output": "Hello"},
        {"instruction": "Hi", "input": "", "output": "Hello"},
    ],
)
def test_every_layout_becomes_the_same_conversation(value: object) -> None:
    assert read_example(1, value).messages == (ASK, ANSWER)


def test_an_alpaca_input_follows_its_instruction() -> None:
    value = {"instruction": "Translate.", "input": "Hallo", "output": "Hello"}
    assert read_example(1, value).messages[0]["content"] == "Translate.\n\nHallo"


def test_share_gpt_may_begin_with_a_system_text() -> None:
    value = {"system": "Be brief.", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}
    assert [each["role"] for each in read_example(1, value).messages] == ["system", "user", "assistant"]


@pytest.mark.parametrize("none", [None, []])
def test_no_tool_calls_are_no_key(none: object) -> None:
    value = {"messages": [ASK | {"tool_calls": none}, ANSWER | {"tool_calls": none}]}
    assert read_example(1, value).messages == (ASK, ANSWER)


def test_tool_calls_are_read_with_their_arguments_as_objects() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}
    messages = [
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "sunny", "tool_call_id": "1"},
        ANSWER,
    ]
    read = read_example(1, {"messages": messages, "tools": [{"type": "function", "function": {"name": "weather"}}]})
    assert read.messages[1]["tool_calls"][0]["function"]["arguments"] == {"city": "Bern"}
    assert read.tools[0]["function"]["name"] == "weather"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["Hi"], "not a JSON object"),
        ({"text": "Hi"}, "none of the known layouts"),
        ({"messages": []}, "messages is not a list with at least one message"),
        ({"messages": [ASK]}, "the last message is from user"),
        ({"messages": [{"role": "human", "content": "Hi"}, ANSWER]}, r"messages\[0\].role is 'human'"),
        ({"messages": [ASK, {"role": "assistant", "content": " "}]}, r"messages\[1\].content is empty"),
        ({"messages": [ASK, {"role": "assistant"}]}, r"messages\[1\].content is missing"),
        ({"messages": [ASK, {"role": "assistant", "content": ["Hi"]}]}, "not a text"),
        ({"messages": [ASK, ANSWER, {"role": "system", "content": "x"}, ANSWER]}, "not the first one"),
        ({"messages": [ASK, {"role": "tool", "content": "x"}, ANSWER]}, "no tool was called"),
        ({"conversations": [{"from": "alien", "value": "Hi"}]}, "from is 'alien'"),
        ({"instruction": 3, "output": "Hello"}, "instruction is not a text"),
        ({"instruction": None, "input": "Hallo", "output": "Hello"}, "instruction is not a text"),
        ({"messages": [ASK, ANSWER], "conversations": []}, "both messages and conversations"),
        ({"messages": [ASK, ANSWER], "tools": [{"type": "function"}]}, r"tools\[0\] has no name"),
        ({"messages": [ASK, ANSWER], "tools": "[" * 100_000}, "tools is not valid JSON"),
        ({"prompt": "Hi", "completion": ""}, "content is empty"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_the_place(value: object, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        read_example(1, value)
