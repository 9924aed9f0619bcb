"""Pages of datasets, as the server renders them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets import services
from datasets.models import Dataset
from datasets.storage.base import ObjectStore
from tests import factories
from tests.datasets.files import chat_file, chat_line, other_layouts

Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_datasets_the_list_says_how_to_begin(store: ObjectStore, alice: User, browse: Page) -> None:
    text = text_of(browse(alice), "/datasets")
    assert "No datasets yet" in text
    assert 'href="/datasets/import"' in text


def test_the_list_shows_ones_own_datasets(validated: MakeDataset, alice: User, bob: User, browse: Page) -> None:
    dataset = validated(alice, chat_file(1234))
    text = text_of(browse(alice), "/datasets")
    assert f'href="/datasets/{dataset.pk}"' in text
    assert f'href="/training/configure?dataset={dataset.pk}"' in text
    assert "1,234" in text
    assert 'data-live="false"' in text
    assert str(dataset.pk) not in text_of(browse(bob), "/datasets")


def test_the_list_follows_a_running_validation(imported: MakeDataset, alice: User, browse: Page) -> None:
    imported(alice)
    assert 'data-live="true"' in text_of(browse(alice), "/datasets")


def test_the_list_is_searched_filtered_and_sorted(
    imported: MakeDataset, validated: MakeDataset, alice: User, browse: Page
) -> None:
    ready, waiting = validated(alice, chat_file(60)), imported(alice, file_name="waiting.jsonl")
    factories.job(alice, dataset=ready)

    def shown(query: str) -> list[str]:
        return re.findall(r'href="/datasets/([0-9a-f-]{36})">', text_of(browse(alice), f"/datasets?{query}"))

    both = [str(waiting.pk), str(ready.pk)]
    assert [each for each in shown("") if each in both] == both
    assert shown("search=WAIT") == both[:1]
    assert shown("status=ready") == both[1:]
    assert shown("sort=-jobs_count") == [*both[1:], *both[:1]]
    assert shown("sort=owner__password&status=x") == both
    assert "No dataset fits" in text_of(browse(alice), "/datasets?search=nothing")
    assert "used by 1 job<" in text_of(browse(alice), "/datasets")
    assert "1 job uses it" in text_of(browse(alice), f"/datasets/{ready.pk}")


def test_a_ready_dataset_shows_statistics_sample_and_what_to_do_next(
    validated: MakeDataset, alice: User, browse: Page
) -> None:
    dataset = validated(alice, chat_file(60))
    text = text_of(browse(alice), f"/datasets/{dataset.pk}")
    assert "Train on this" in text
    assert "estimated: bytes / 4" in text
    assert "What is 0 + 1?" in text
    assert "bubble-assistant" in text


@pytest.mark.parametrize(("format", "label"), [("prompt_completion", "prompt/completion"), ("sharegpt", "ShareGPT")])
def test_a_dataset_in_another_layout_is_shown_as_a_chat(
    validated: MakeDataset, alice: User, browse: Page, format: str, label: str
) -> None:
    dataset = validated(alice, other_layouts()[format])
    text = text_of(browse(alice), f"/datasets/{dataset.pk}")
    assert "Train on this" in text
    assert "What is 0 + 1?" in text
    assert "bubble-assistant" in text
    assert f"<dd>{label}</dd>" in text


def test_a_faulty_dataset_shows_line_field_error_and_suggestion(
    validated: MakeDataset, alice: User, browse: Page
) -> None:
    dataset = validated(alice, chat_file(60) + chat_line(("gpt", "Hi")) + b"{}\n" * 200)
    text = text_of(browse(alice), f"/datasets/{dataset.pk}")
    for shown in ("messages[0].role", "Unknown role “gpt”.", "Did you mean “assistant”?", "the first 100 of 201"):
        assert shown in text
    assert "Train on this" not in text


def test_what_a_file_says_is_text_and_not_markup(validated: MakeDataset, alice: User, browse: Page) -> None:
    attack = "<script>alert(1)</script>"
    dataset = validated(alice, chat_line(("user", attack), ("assistant", attack)) + chat_line((attack, "x")))
    text = text_of(browse(alice), f"/datasets/{dataset.pk}")
    assert attack not in text
    assert "&lt;script&gt;" in text


def test_a_waiting_dataset_asks_for_its_file(store: ObjectStore, alice: User, browse: Page) -> None:
    dataset, _ = services.dataset_create_upload(owner=alice, name="Late", file_name="late.jsonl", file_size=1500)
    text = text_of(browse(alice), f"/datasets/{dataset.pk}")
    assert "late.jsonl (1.5 kB)" in text
    assert f'data-dataset="{dataset.pk}"' in text
    assert "<dd>not known yet</dd>" in text


@pytest.mark.parametrize("path", ["/datasets", "detail"])
def test_the_browser_may_send_files_to_storage_and_nowhere_else(
    store: ObjectStore, alice: User, browse: Page, settings: Any, path: str
) -> None:
    settings.S3_PUBLIC_ENDPOINT_URL = "https://files.example.com"
    dataset, _ = services.dataset_create_upload(owner=alice, name="Late", file_name="late.jsonl", file_size=5)
    address = path if path == "/datasets" else f"/datasets/{dataset.pk}"
    policy = browse(alice).get(address)["Content-Security-Policy"]
    assert "connect-src 'self' https://files.example.com" in policy
    assert "unsafe-inline" not in policy


def test_renaming_shows_errors_beside_the_field(imported: MakeDataset, alice: User, browse: Page) -> None:
    dataset = imported(alice)
    address = f"/datasets/{dataset.pk}/edit"
    refused = browse(alice).post(address, {"name": ""})
    assert "This field is required." in refused.content.decode()
    browse(alice).post(address, {"name": "Better", "description": "Why"})
    dataset.refresh_from_db()
    assert (dataset.name, dataset.description) == ("Better", "Why")


def test_validating_again_and_deleting(validated: MakeDataset, alice: User, browse: Page) -> None:
    dataset = validated(alice)
    browser = browse(alice)
    browser.post(f"/datasets/{dataset.pk}/validate")
    dataset.refresh_from_db()
    assert dataset.status == "validating"
    answer = browser.post(f"/datasets/{dataset.pk}/validate", follow=True)
    assert "can be validated again when it is ready" in answer.content.decode()
    assert "was deleted" in browser.post(f"/datasets/{dataset.pk}/delete", follow=True).content.decode()
    assert browser.get(f"/datasets/{dataset.pk}").status_code == 404


@pytest.mark.parametrize("action", ["", "/edit", "/validate", "/delete"])
def test_another_users_dataset_is_a_404(
    imported: MakeDataset, alice: User, bob: User, browse: Page, action: str
) -> None:
    dataset = imported(alice)
    browser = browse(bob)
    for answer in (
        browser.get(f"/datasets/{dataset.pk}{action}") if action in ("", "/edit") else None,
        browser.post(f"/datasets/{dataset.pk}{action}", {"name": "Mine"}) if action else None,
    ):
        assert answer is None or answer.status_code == 404
    dataset.refresh_from_db()
    assert (dataset.name, dataset.deleted_at, dataset.status) == ("chat", None, "validating")


@pytest.mark.parametrize("path", ["", "/00000000-0000-4000-8000-000000000000"])
def test_strangers_are_sent_to_the_login(db: None, client: Client, path: str) -> None:
    answer = client.get(f"/datasets{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")
