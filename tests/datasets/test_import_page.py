"""The import browser, as the server renders it; what it lists is tested with the API (test_api_import_folders)."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets.models import Dataset, ImportGrant
from datasets.storage.base import ObjectInfo, ObjectStore
from datasets.views import imports

Page = Callable[[User], Client]
PutObject = Callable[..., ObjectInfo]
ADDRESS = "/datasets/import"


def page(client: Client, status: int = 200, **query: str) -> str:
    answer = client.get(ADDRESS, query)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_who_has_one_folder_starts_in_it(put_object: PutObject, alice: User, browse: Page) -> None:
    put_object("alice/chats & more.jsonl")
    put_object("alice/week 7/x.jsonl")
    text = page(browse(alice))
    assert "chats & more.jsonl" in text
    assert 'href="?folder=alice%2Fweek%207%2F"' in text
    assert "x.jsonl" in page(browse(alice), folder="alice/week 7/")


def test_who_has_several_chooses_first(put_object: PutObject, alice: User, browse: Page) -> None:
    ImportGrant.objects.create(user=alice, prefix="team/a/")
    text = page(browse(alice))
    assert 'href="?folder=alice%2F"' in text
    assert 'href="?folder=team%2Fa%2F"' in text
    assert "There is no file in this folder" in page(browse(alice), folder="team/a/")


@pytest.mark.parametrize("folder", ["bob/", "alice/../bob/", "alice/%2e%2e/bob/", "team/"])
def test_another_folder_is_refused_in_words(store: ObjectStore, alice: User, browse: Page, folder: str) -> None:
    assert "Not a folder of yours" in page(browse(alice), 404, folder=folder)


def test_large_folders_come_page_by_page(put_object: PutObject, alice: User, browse: Page) -> None:
    for number in range(101):
        put_object(f"alice/{number:03}.jsonl", b"x")
    first = page(browse(alice))
    assert "099.jsonl" in first
    assert "100.jsonl" not in first
    after = first.partition('rel="next" href="?')[2].partition('"')[0]
    second = html.unescape(browse(alice).get(f"{ADDRESS}?{after}").content.decode())
    assert "100.jsonl" in second
    assert "First page" in second


def test_the_chosen_files_are_imported(put_object: PutObject, alice: User, browse: Page) -> None:
    for name in "abc":
        put_object(f"alice/{name}.jsonl")
    answer = browse(alice).post(f"{ADDRESS}?folder=alice/", {"path": ["alice/a.jsonl", "alice/c.jsonl"]}, follow=True)
    assert "2 files were imported" in answer.content.decode()
    assert set(Dataset.objects.values_list("name", flat=True)) == {"a", "c"}
    one = browse(alice).post(ADDRESS, {"path": "alice/b.jsonl"})
    assert one["Location"] == f"/datasets/{Dataset.objects.get(name='b').pk}"
    assert f"/datasets/{Dataset.objects.get(name='b').pk}" in page(browse(alice))


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "Choose the files to import."),
        (["bob/x.jsonl"], "There is no file bob/x.jsonl that you may import."),
        (["alice/../bob/x.jsonl"], "This path cannot be used"),
        (["alice/x"] * (imports.MOST_AT_ONCE + 1), "Choose 50 files at most"),
    ],
)
def test_what_cannot_be_imported_is_said(
    put_object: PutObject, alice: User, browse: Page, paths: list[str], said: str
) -> None:
    put_object("bob/x.jsonl")
    answer = browse(alice).post(f"{ADDRESS}?folder=alice/", {"path": paths}, follow=True)
    assert said in html.unescape(answer.content.decode())
    assert not Dataset.objects.exists()


def test_a_dead_storage_says_so_and_can_be_asked_again(alice: User, browse: Page, settings: Any) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "secret"
    text = page(browse(alice), 503, folder="alice/")
    assert "Storage does not answer" in text
    assert 'href="/datasets/import?folder=alice%2F"' in text
