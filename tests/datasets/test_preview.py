"""Examples to page through, and what is said of their lengths."""

import html
import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets.models import Dataset
from datasets.preview import length_facts, preview
from tests import factories
from tests.datasets.files import chat_file, chat_line

Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_examples_are_paged_through(validated: MakeDataset, alice: User, browse: Page) -> None:
    dataset = validated(alice, b"\n" + chat_file(60))
    address = f"/datasets/{dataset.pk}"
    first = page(browse(alice), address)
    assert "Example 1 of the first 25" in first
    assert "line 2 · ≈ 6 tokens · 2 messages" in first
    assert 'rel="prev"' not in first
    assert 'href="?example=2#sample"' in first
    last = page(browse(alice), f"{address}?example=25")
    assert "What is 24 + 1?" in last
    assert 'rel="next"' not in last


@pytest.mark.parametrize("number", ["", "0", "26", "-1", "x", "٣", "9" * 400, "1e3"])
def test_what_is_no_example_is_the_first(validated: MakeDataset, alice: User, number: str) -> None:
    seen = preview(validated(alice), number)
    assert seen is not None
    assert seen.number == 1


def test_system_messages_tool_calls_and_long_texts_are_shown(validated: MakeDataset, alice: User, browse: Page) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "x"}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "long " * 400},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "found", "tool_call_id": "1"},
        {"role": "assistant", "content": "There."},
    ]
    text = page(browse(alice), f"/datasets/{validated(alice, json.dumps({'messages': messages}).encode()).pk}")
    assert "bubble-system" in text
    assert 'find({"q": "x"})' in text
    assert "All 2,000 characters" in text


def test_lengths_are_summed_up_and_a_maximum_shows_what_it_takes(
    validated: MakeDataset, alice: User, browse: Page
) -> None:
    body = chat_file(99) + chat_line(("user", "x"), ("assistant", "y" * 40_000))
    dataset = validated(alice, body)
    facts = length_facts(dataset, "")
    assert facts is not None
    assert (facts.longest, facts.max_length) == (10_001, 2048)
    assert sum(bar.examples for bar in facts.bars) == 100
    assert facts.half < 10
    text = page(browse(alice), f"/datasets/{dataset.pk}?max_length=4000")
    assert "At 4,000 tokens 1 of 100 examples are cut: 6,001 tokens" in text
    assert "At 20,000 tokens nothing is cut." in page(browse(alice), f"/datasets/{dataset.pk}?max_length=20000")


@pytest.mark.parametrize("given", ["", "0", "-3", "x", "99999999999", "²"])
def test_a_maximum_that_is_none_is_the_usual_one(validated: MakeDataset, alice: User, given: str) -> None:
    facts = length_facts(validated(alice), given)
    assert facts is not None
    assert facts.max_length == 2048


def test_a_dataset_without_lengths_and_sample_shows_none(alice: User, browse: Page) -> None:
    dataset = factories.dataset(alice)
    assert (preview(dataset, ""), length_facts(dataset, "")) == (None, None)
    text = page(browse(alice), f"/datasets/{dataset.pk}")
    assert "Sample" not in text
    assert "Length of the examples" not in text
