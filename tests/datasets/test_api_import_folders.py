"""The folders of training-files, as far as a user may look into them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets import importable
from datasets.models import ImportGrant
from datasets.storage.base import ObjectInfo
from tests.datasets.files import chat_file

Api = Callable[[User], APIClient]
PutObject = Callable[..., ObjectInfo]


def look(client: APIClient, **query: Any) -> Any:
    answer = client.get("/api/datasets/import/objects", query)
    assert answer.status_code == 200, answer.data
    return answer.data


def names(listing: Any) -> list[str]:
    return [*listing["folders"], *(each["name"] for each in listing["objects"])]


@pytest.fixture
def filled(put_object: PutObject) -> None:
    """alice/: two files and two folders, one of them with a name that only looks sorted behind its neighbours."""
    for path in ("alice/a.jsonl", "alice/b/1.jsonl", "alice/b/2.jsonl", "alice/b.jsonl", "alice/ü x/1.jsonl", "bob/1"):
        put_object(path, b"x")


def test_one_starts_from_what_was_granted(filled: None, alice: User, api: Api) -> None:
    ImportGrant.objects.create(user=alice, prefix="team/a/")
    start = look(api(alice))
    assert (start["prefix"], start["folders"], start["objects"]) == ("", ["alice/", "team/a/"], [])


def test_a_folder_shows_its_files_and_folders(filled: None, alice: User, api: Api) -> None:
    listing = look(api(alice), prefix="alice/")
    assert names(listing) == ["alice/b/", "alice/ü x/", "a.jsonl", "b.jsonl"]
    assert listing["objects"][0]["size"] == 1
    assert listing["next_cursor"] is None
    assert names(look(api(alice), prefix="alice/ü x/")) == ["1.jsonl"]
    assert names(look(api(alice), prefix="alice/nothing/")) == []


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_page_after_page_shows_everything_once(filled: None, alice: User, api: Api, limit: int) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        listing = look(api(alice), prefix="alice/", limit=limit, cursor=cursor)
        assert len(names(listing)) <= limit
        found += names(listing)
        cursor = listing["next_cursor"]
    assert sorted(found) == ["a.jsonl", "alice/b/", "alice/ü x/", "b.jsonl"]


def test_a_search_finds_parts_of_names_in_any_case(filled: None, alice: User, api: Api) -> None:
    assert names(look(api(alice), prefix="alice/", search="B")) == ["alice/b/", "b.jsonl"]
    assert names(look(api(alice), prefix="alice/", search="Ü")) == ["alice/ü x/"]
    assert names(look(api(alice), prefix="alice/", search="alice")) == []


def test_a_search_ends_somewhere_and_can_go_on(filled: None, alice: User) -> None:
    first = importable.browse(user=alice, folder="alice/", search="ü", patience=2)
    assert (first.folders, first.entries, first.examined) == ((), (), 2)
    assert first.next_cursor
    rest = importable.browse(user=alice, folder="alice/", search="ü", cursor=first.next_cursor)
    assert rest.folders == ("alice/ü x/",)


def test_what_cannot_be_imported_is_counted(put_object: PutObject, alice: User, api: Api) -> None:
    put_object("alice/empty.jsonl", b"")
    put_object("alice/good.jsonl", b"x")
    listing = look(api(alice), prefix="alice/")
    assert (names(listing), listing["hidden"]) == (["good.jsonl"], 1)


def test_a_file_says_that_it_was_imported_and_that_it_has_changed(
    put_object: PutObject, alice: User, bob: User, api: Api
) -> None:
    put_object("alice/a.jsonl", chat_file(60))
    put_object("alice/b.jsonl", chat_file(60))
    ImportGrant.objects.create(user=bob, prefix="alice/")
    made = api(alice).post("/api/datasets/import", {"path": "alice/a.jsonl"}).data["dataset"]
    seen = {
        each["name"]: (each["dataset_id"], each["changed"]) for each in look(api(alice), prefix="alice/")["objects"]
    }
    assert seen == {"a.jsonl": (made["id"], False), "b.jsonl": (None, False)}
    put_object("alice/a.jsonl", chat_file(61))
    assert look(api(alice), prefix="alice/")["objects"][0]["changed"] is True
    assert look(api(bob), prefix="alice/")["objects"][0]["dataset_id"] is None


@pytest.mark.parametrize(
    "prefix",
    [
        *("bob/", "ali", "/", "alice", "alice/b", "alicebob/", "team/"),
        *(
            "alice/../bob/",
            "alice/%2e%2e/bob/",
            "alice//",
            "alice/\u200b/",
            "alice/\uff42/",
            "alice/\\..\\bob/",
            "alice/./",
        ),
    ],
)
def test_what_is_not_ones_own_is_a_404_whatever_lies_there(
    filled: None, put_object: PutObject, alice: User, api: Api, prefix: str
) -> None:
    put_object("alicebob/x", b"x")
    ImportGrant.objects.create(user=alice, prefix="team/a/")
    refused = api(alice).get("/api/datasets/import/objects", {"prefix": prefix})
    assert refused.status_code == 404
    assert refused.data["error"]["details"] == {"prefixes": ["alice/", "team/a/"]}


def test_a_dead_storage_is_a_503_that_says_so(alice: User, api: Api, settings: Any) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "secret"
    refused = api(alice).get("/api/datasets/import/objects?prefix=alice/")
    assert (refused.status_code, refused.data["error"]["code"]) == (503, "storage_unavailable")
