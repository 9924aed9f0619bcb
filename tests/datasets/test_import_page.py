"""The import browser, as the server renders it; what it lists is tested with the API (test_api_import_folders)."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets import services
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


def chosen(answer: Any) -> list[str]:
    """The paths of the boxes that are ticked."""
    return re.findall(r'name="path" value="([^"]+)" id="[^"]+" checked', answer.content.decode())


def send(browser: Client, shown: Any, paths: list[str]) -> Any:
    """Submit the form of a page as a browser does."""
    text = html.unescape(shown.content.decode())
    action = re.search(r'<form class="card stack" method="post" action="([^"]+)"', text)
    assert action is not None
    hidden = dict(re.findall(r'<input type="hidden" name="(next)" value="([^"]*)">', text))
    return browser.post(f"{ADDRESS}{action[1]}", {"path": paths, **hidden}, follow=True)


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
        (["alice/x"] * (imports.MOST_AT_ONCE + 1), f"Choose {imports.MOST_AT_ONCE} files at most"),
    ],
)
def test_what_cannot_be_imported_is_said(
    put_object: PutObject, alice: User, browse: Page, paths: list[str], said: str
) -> None:
    put_object("bob/x.jsonl")
    answer = browse(alice).post(f"{ADDRESS}?folder=alice/", {"path": paths}, follow=True)
    assert said in html.unescape(answer.content.decode())
    assert not Dataset.objects.exists()


def test_thousands_are_imported_page_by_page_with_one_press_for_each(
    put_object: PutObject, alice: User, browse: Page
) -> None:
    count = imports.MOST_AT_ONCE + 3
    for number in range(count):
        put_object(f"alice/{number:03}.jsonl", b"x")
    services.dataset_import(owner=alice, path="alice/002.jsonl")
    browser = browse(alice)
    assert chosen(browser.get(ADDRESS, {"folder": "alice/"})) == []
    first = browser.get(ADDRESS, {"folder": "alice/", "choose": "all"})
    assert chosen(first) == [f"alice/{number:03}.jsonl" for number in range(imports.MOST_AT_ONCE) if number != 2]
    second = send(browser, first, chosen(first))
    assert "99 files were imported" in second.content.decode()
    assert chosen(second) == ["alice/100.jsonl", "alice/101.jsonl", "alice/102.jsonl"]
    send(browser, second, chosen(second))
    assert Dataset.objects.values("storage_path").distinct().count() == Dataset.objects.count() == count


def test_a_search_that_finds_more_than_can_be_chosen_at_once_leaves_none_out(
    put_object: PutObject, alice: User, browse: Page
) -> None:
    for number in range(imports.MOST_AT_ONCE + 30):
        put_object(f"alice/{number:03}.jsonl", b"x")
    browser = browse(alice)
    first = browser.get(ADDRESS, {"folder": "alice/", "search": "jsonl", "choose": "all"})
    assert "100 files are chosen: the first that are no datasets yet. The others follow." in first.content.decode()
    second = send(browser, first, chosen(first))
    assert chosen(second) == [f"alice/{number}.jsonl" for number in range(100, 130)]
    send(browser, second, chosen(second))
    assert Dataset.objects.values("storage_path").distinct().count() == Dataset.objects.count() == 130


def test_who_chooses_some_of_a_large_folder_stays_at_the_place(
    put_object: PutObject, alice: User, browse: Page
) -> None:
    for number in range(103):
        put_object(f"alice/{number:03}.jsonl", b"x")
    browser = browse(alice)
    first = browser.get(ADDRESS, {"folder": "alice/"})
    after = html.unescape(first.content.decode().partition('rel="next" href="?')[2].partition('"')[0])
    second = browser.get(f"{ADDRESS}?{after}")
    done = send(browser, second, ["alice/100.jsonl", "alice/101.jsonl"])
    text = done.content.decode()
    assert "2 files were imported" in text
    assert [f"{number}.jsonl</label>" in text for number in ("099", "100", "102")] == [False, True, True]
    assert text.count('class="import-none"') == 1


def test_of_many_that_cannot_be_imported_the_first_are_named(put_object: PutObject, alice: User, browse: Page) -> None:
    put_object("alice/a.jsonl")
    paths = ["alice/a.jsonl", *(f"alice/gone-{number}.jsonl" for number in range(20))]
    text = browse(alice).post(f"{ADDRESS}?folder=alice/", {"path": paths}, follow=True).content.decode()
    assert "There is no file alice/gone-4.jsonl" in text
    assert "alice/gone-5.jsonl" not in text
    assert "15 more files could not be imported." in text
    assert "1 file was imported" in text


def test_a_storage_that_dies_meanwhile_is_asked_once_and_what_was_imported_stays(
    put_object: PutObject, alice: User, browse: Page, settings: Any
) -> None:
    put_object("alice/a.jsonl")
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    answer = browse(alice).post(f"{ADDRESS}?folder=alice/", {"path": ["alice/a.jsonl"] * 40}, follow=True)
    text = html.unescape(answer.content.decode())
    assert text.count("The storage does not answer") == 2  # for the import, and for the folder that is shown behind it
    assert "40 files were not imported: The storage does not answer" in text
    assert not Dataset.objects.exists()


def test_a_dead_storage_says_so_and_can_be_asked_again(alice: User, browse: Page, settings: Any) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "secret"
    text = page(browse(alice), 503, folder="alice/")
    assert "Storage does not answer" in text
    assert 'href="/datasets/import?folder=alice%2F"' in text
