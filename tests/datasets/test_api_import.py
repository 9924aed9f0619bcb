"""The data bridge: what lies in training-files becomes a dataset in place, for those who may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from rest_framework.test import APIClient

from datasets import services
from datasets.models import Dataset, DatasetEvent, ImportGrant
from datasets.storage.base import ObjectInfo, ObjectStore
from datasets.tasks import validate_dataset
from tests.datasets.files import chat_file

Api = Callable[[User], APIClient]
PutObject = Callable[..., ObjectInfo]


def test_an_imported_file_becomes_ready_where_it_lies(put_object: PutObject, alice: User, api: Api) -> None:
    put_object("alice/support.jsonl", chat_file(60))
    created = api(alice).post("/api/datasets/import", {"path": "alice/support.jsonl"})
    assert created.status_code == 201
    dataset = created.data["dataset"]
    assert (dataset["name"], dataset["status"], dataset["storage_bucket"]) == (
        "support",
        "validating",
        "training-files",
    )
    validate_dataset(dataset["id"])
    dataset = api(alice).get(f"/api/datasets/{dataset['id']}").data["dataset"]
    assert (dataset["status"], dataset["total_training_pairs"]) == ("ready", 60)
    assert dataset["storage_path"] == "alice/support.jsonl"


def test_deleting_the_dataset_never_touches_training_files(
    put_object: PutObject, store: ObjectStore, alice: User, api: Api
) -> None:
    put_object("alice/support.jsonl")
    dataset_id = api(alice).post("/api/datasets/import", {"path": "alice/support.jsonl"}).data["dataset"]["id"]
    assert api(alice).delete(f"/api/datasets/{dataset_id}").status_code == 204
    assert store.head(bucket="training-files", path="alice/support.jsonl")
    assert api(alice).get(f"/api/datasets/{dataset_id}").status_code == 404


@pytest.mark.parametrize("path", ["bob/secret.jsonl", "alice/nothing.jsonl", "alicebob/x.jsonl", "secret.jsonl"])
def test_a_forbidden_and_an_absent_file_get_the_same_answer(
    put_object: PutObject, alice: User, api: Api, path: str
) -> None:
    put_object("bob/secret.jsonl")
    put_object("alicebob/x.jsonl")
    refused = api(alice).post("/api/datasets/import", {"path": path})
    assert refused.status_code == 404
    assert refused.data["error"] == {
        "code": "object_not_found",
        "message": f"There is no file {path} that you may import. You may import below: alice/",
        "details": {"prefixes": ["alice/"]},
    }
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["alice/../bob/secret.jsonl", "alice/%2e%2e/bob/secret.jsonl", "/alice/x", "alice//x", "alice\\..\\bob", "alice/"],
)
def test_a_path_trick_is_a_400_that_names_the_field(put_object: PutObject, alice: User, api: Api, path: str) -> None:
    put_object("bob/secret.jsonl")
    refused = api(alice).post("/api/datasets/import", {"path": path})
    assert refused.status_code == 400
    assert list(refused.data["error"]["details"]) == ["path"]


def test_an_empty_file_is_refused(put_object: PutObject, alice: User, api: Api) -> None:
    put_object("alice/empty.jsonl", b"")
    refused = api(alice).post("/api/datasets/import", {"path": "alice/empty.jsonl"})
    assert refused.data["error"]["details"] == {"path": ["The file is empty."]}


def test_a_grant_opens_its_prefix_and_only_for_its_user(
    put_object: PutObject, alice: User, bob: User, api: Api
) -> None:
    put_object("team-a/chat.jsonl")
    ImportGrant.objects.create(user=alice, prefix="team-a/")
    assert api(alice).post("/api/datasets/import", {"path": "team-a/chat.jsonl"}).status_code == 201
    assert api(bob).post("/api/datasets/import", {"path": "team-a/chat.jsonl"}).status_code == 404


def listed(client: APIClient, **query: Any) -> Any:
    answer = client.get("/api/datasets/import", query)
    assert answer.status_code == 200, answer.data
    return answer.data


def test_the_listing_shows_what_one_may_import_page_by_page(put_object: PutObject, alice: User, api: Api) -> None:
    for path in ("alice/1", "alice/2", "team-a/1", "team-a/2", "bob/1"):
        put_object(path, b"x")
    put_object("alice/folder.marker", b"")
    ImportGrant.objects.create(user=alice, prefix="team-a/")
    ImportGrant.objects.create(user=alice, prefix="team-a/nested/")
    everything = listed(api(alice))
    assert [each["path"] for each in everything["objects"]] == ["alice/1", "alice/2", "team-a/1", "team-a/2"]
    assert everything["prefixes"] == ["alice/", "team-a/"]
    assert everything["next_after"] is None

    found: list[str] = []
    query: dict[str, Any] = {"limit": 1}
    while query.get("after", "") is not None:
        part = listed(api(alice), **query)
        found += [each["path"] for each in part["objects"]]
        query["after"] = part["next_after"]
    assert found == ["alice/1", "alice/2", "team-a/1", "team-a/2"]


def test_the_listing_can_be_narrowed_but_not_widened(put_object: PutObject, alice: User, api: Api) -> None:
    for path in ("alice/chat-1", "alice/tools-1", "bob/1"):
        put_object(path, b"x")
    assert [each["path"] for each in listed(api(alice), prefix="alice/chat")["objects"]] == ["alice/chat-1"]
    for prefix in ("bob/", "ali", "/", "alice", "alice/../bob/", "alice/%2e%2e/bob/"):
        assert api(alice).get("/api/datasets/import", {"prefix": prefix}).status_code == 404


def test_an_import_tells_its_event(put_object: PutObject, alice: User, api: Api) -> None:
    put_object("alice/chat.jsonl")
    api(alice).post("/api/datasets/import", {"path": "alice/chat.jsonl"})
    (event,) = DatasetEvent.objects.all()
    assert (event.kind, event.actor, event.owner) == ("imported", "user:alice", alice)


def test_an_import_comes_with_its_event_or_not_at_all(put_object: PutObject, alice: User) -> None:
    def fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('INSERT INTO "dataset_events"'):
            raise OperationalError("the disk is full")
        return execute(sql, *args)

    put_object("alice/chat.jsonl")
    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        services.dataset_import(owner=alice, path="alice/chat.jsonl")
    assert not Dataset.objects.exists()
