"""Examples to page through, and what is said of their lengths."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from datasets.length_facts import length_facts
from datasets.models import Dataset, DatasetReport
from datasets.preview import Asked, asked, preview
from datasets.storage.base import ObjectStore
from datasets.validation.places import Index
from tests import factories
from tests.datasets.conftest import PutObject
from tests.datasets.files import chat_file, chat_line

Api = Callable[[User], APIClient]
Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


LINES = 300
BODY = b"\n" + b"".join(
    chat_line(("user", f"Question {number}."), ("assistant", "y" * 4 * number))
    + (b"{faulty\n" if number == 200 else b"")
    for number in range(1, LINES + 1)
)


def test_examples_are_paged_through_to_the_last(validated: MakeDataset, alice: User, browse: Page) -> None:
    address = f"/datasets/{validated(alice, BODY).pk}"
    first = page(browse(alice), address)
    assert "Example 1 of 300" in first
    assert "line 2 · ≈ 4 tokens · 2 messages" in first
    assert 'rel="prev"' not in first
    assert 'href="?example=2#sample"' in first
    last = page(browse(alice), f"{address}?example=300&kind=x")
    assert "Question 300." in last
    assert "line 302 · " in last
    assert 'rel="next"' not in last
    assert 'href="?example=299&kind=x#sample"' in last


def test_a_line_is_gone_to_or_the_next_example_behind_it(validated: MakeDataset, alice: User, browse: Page) -> None:
    address = f"/datasets/{validated(alice, BODY).pk}"
    assert "Question 249." in page(browse(alice), f"{address}?line=251")
    behind = page(browse(alice), f"{address}?line=202")
    assert "Line 202 holds no usable example: this is the next one." in behind
    assert "Example 201 of 300" in behind
    assert "Line 1 holds no usable example" in page(browse(alice), f"{address}?line=1")
    beyond = page(browse(alice), f"{address}?line=999999999999")
    assert "There is no example on line 999,999,999,999 or behind it: this is the last one." in beyond
    assert "Question 300." in beyond


def test_the_longest_the_shortest_and_random_ones_are_shown(validated: MakeDataset, alice: User, browse: Page) -> None:
    address = f"/datasets/{validated(alice, BODY).pk}"
    longest = page(browse(alice), f"{address}?order=longest")
    assert "1 of the 50 longest · example 300" in longest
    assert "Question 300." in longest
    assert "Question 299." in page(browse(alice), f"{address}?order=longest&example=2")
    assert "1 of the 50 shortest · example 1" in page(browse(alice), f"{address}?order=shortest")
    at_random = [page(browse(alice), f"{address}?order=random&seed=7&example={number}") for number in (1, 2, 100)]
    numbers = [re.findall(r"at random · example (\d+)", text)[0] for text in at_random]
    assert len(set(numbers)) == 3
    for number, text in zip(numbers, at_random, strict=True):
        assert f"Question {number}." in text
        assert "seed=8" in text


def test_programs_get_any_example_too(validated: MakeDataset, alice: User, bob: User, api: Api) -> None:
    address = f"/api/datasets/{validated(alice, BODY).pk}/example"
    longest = api(alice).get(f"{address}?order=longest&number=2").data
    assert (longest["example"], longest["number"], longest["count"], longest["total"]) == (299, 2, 50, 300)
    assert longest["messages"][0] == {"role": "user", "content": "Question 299."}
    by_line = api(alice).get(f"{address}?line=202").data
    assert (by_line["number"], by_line["note"]) == (201, "Line 202 holds no usable example: this is the next one.")
    for query in ("number=301", "number=0", "order=best", "seed=x", "line=-1"):
        refused = api(alice).get(f"{address}?{query}")
        assert (refused.status_code, list(refused.data["error"]["details"])) == (400, [query.partition("=")[0]])
    assert api(bob).get(address).status_code == 404
    none = api(alice).get(f"/api/datasets/{factories.dataset(alice).pk}/example")
    assert (none.status_code, none.data["error"]["code"]) == (409, "no_examples")


def test_little_of_the_file_is_read_for_one_example(validated: MakeDataset, alice: User) -> None:
    """Of 12 MB; what a connection has under way besides is the network's."""
    dataset = validated(alice, chat_line(("user", "Say x."), ("assistant", "x" * 40_000)) * 300)
    seen = preview(dataset, Asked(number=290))
    assert seen is not None
    assert (seen.line, seen.problem) == (290, None)
    mark = Index(DatasetReport.objects.get().places).before_example(290)
    assert 290 * 40_000 - mark.offset < 200_000


def test_a_file_that_has_changed_or_is_gone_shows_what_was_kept(
    validated: MakeDataset, put_object: PutObject, store: ObjectStore, alice: User, browse: Page
) -> None:
    dataset = validated(alice, BODY)
    address = f"/datasets/{dataset.pk}"
    put_object(dataset.storage_path, BODY + b"\n")
    assert "The file has changed since it was validated." in page(browse(alice), f"{address}?example=100")
    assert "Question 25." in page(browse(alice), f"{address}?example=25")
    store.delete(bucket="training-files", path=dataset.storage_path)
    assert "The file is no longer in training-files" in page(browse(alice), f"{address}?line=290")


def test_storage_that_does_not_answer_costs_the_example_alone(
    validated: MakeDataset, alice: User, browse: Page, settings: Any
) -> None:
    dataset = validated(alice, BODY)
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:1"
    assert "The storage does not answer" in page(browse(alice), f"/datasets/{dataset.pk}?order=longest")


def test_a_validation_that_kept_no_places_shows_its_first_examples(
    validated: MakeDataset, alice: User, browse: Page
) -> None:
    dataset = validated(alice, BODY)
    DatasetReport.objects.update(places={})
    text = page(browse(alice), f"/datasets/{dataset.pk}?example=25&order=longest&line=3")
    assert "Example 25 of the first 25 · validate again to see all" in text
    assert "Question 25." in text


@pytest.mark.parametrize("number", ["", "0", "61", "-1", "x", "٣", "9" * 400, "1e3"])
def test_what_is_no_example_is_the_first(validated: MakeDataset, alice: User, number: str) -> None:
    seen = preview(validated(alice), asked(number=number, order=number, seed=number))
    assert seen is not None
    assert (seen.number, seen.order, seen.problem) == (1, "", None)


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
    assert (preview(dataset, Asked()), length_facts(dataset, "")) == (None, None)
    text = page(browse(alice), f"/datasets/{dataset.pk}")
    assert "sample-title" not in text
    assert "Length of the examples" not in text
