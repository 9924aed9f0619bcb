"""The demo's data sets are real ones: enough, valid, varied, and the same every time."""

import json
from pathlib import Path
from typing import Any

import pytest

from lora_pipeline.devstack import demo_data
from lora_pipeline.devstack.demo_data import DataSet, http_desk, shell_desk

DATA_SETS = [shell_desk(), http_desk()]


def chats(data_set: DataSet) -> list[list[dict[str, Any]]]:
    return [json.loads(line)["messages"] for line in data_set.contents.decode().splitlines()]


def texts(data_set: DataSet, role: str) -> list[str]:
    return [turn["content"] for chat in chats(data_set) for turn in chat if turn["role"] == role]


def test_each_has_enough_examples_to_learn_from_in_minutes_on_a_cpu() -> None:
    assert all(100 <= len(chats(data_set)) <= 130 for data_set in DATA_SETS)


@pytest.mark.parametrize("data_set", DATA_SETS, ids=lambda one: one.name)
def test_every_chat_is_system_user_assistant_with_text(data_set: DataSet) -> None:
    for chat in chats(data_set):
        assert [turn["role"] for turn in chat] == ["system", "user", "assistant"]
        assert all(turn["content"].strip() for turn in chat)


@pytest.mark.parametrize("data_set", DATA_SETS, ids=lambda one: one.name)
def test_no_question_is_asked_twice(data_set: DataSet) -> None:
    questions = texts(data_set, "user")
    assert len(set(questions)) == len(questions)


def test_the_answers_vary() -> None:
    answers = texts(shell_desk(), "assistant")
    assert len(set(answers)) > 0.9 * len(answers)


def test_no_word_is_left_to_fill_in() -> None:
    assert not [text for text in texts(shell_desk(), "user") + texts(shell_desk(), "assistant") if "{" in text]


def test_each_desk_keeps_its_format() -> None:
    for data_set, format_ in ((shell_desk(), ["Do", "Why", "Check"]), (http_desk(), ["Status", "Meaning", "Next"])):
        for answer in texts(data_set, "assistant"):
            assert [line.partition(": ")[0] for line in answer.splitlines()] == format_


def test_the_same_bytes_come_out_every_time() -> None:
    assert [shell_desk(), http_desk()] == DATA_SETS


def test_the_licence_is_named_with_the_data() -> None:
    readme = Path(demo_data.__file__).with_name("README.md").read_text()
    assert demo_data.LICENCE in readme
    for data_set in DATA_SETS:
        assert demo_data.LICENCE in data_set.description
        assert f"`{data_set.file_name}` | {len(chats(data_set))} |" in readme
