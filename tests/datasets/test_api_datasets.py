"""Reading, renaming, deleting and validating again; and that nobody reaches another user's datasets."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets.models import Dataset, DatasetEvent
from datasets.tasks import validate_dataset
from tests.datasets.conftest import PutObject
from tests.datasets.files import chat_file, other_layouts

Api = Callable[[User], APIClient]
MakeDataset = Callable[..., Dataset]


def test_a_dataset_is_shown_with_statistics_findings_and_sample(validated: MakeDataset, alice: User, api: Api) -> None:
    dataset = validated(alice)
    shown = api(alice).get(f"/api/datasets/{dataset.pk}").data["dataset"]
    assert shown["owner"] == "alice"
    assert shown["tokens_estimated"] is True
    assert shown["avg_turns"] == 2.0
    assert len(shown["sha256"]) == 64
    assert len(shown["sample"]) == 3
    assert shown["validation_errors"] == []
    assert "lease_token" not in shown


@pytest.mark.parametrize("format", ["prompt_completion", "alpaca", "sharegpt"])
def test_every_layout_has_the_statistics_and_the_sample_of_a_chat(
    validated: MakeDataset, alice: User, api: Api, format: str
) -> None:
    as_chat, other = (
        api(alice).get(f"/api/datasets/{validated(alice, body).pk}").data["dataset"]
        for body in (chat_file(), other_layouts()[format])
    )
    assert (as_chat["format"], other["format"]) == ("chat", format)
    for same in ("status", "total_training_pairs", "total_tokens", "avg_turns", "avg_tokens", "sample"):
        assert other[same] == as_chat[same]
    assert other["validation_warning_count"] == 0


def test_a_corrected_file_gets_the_format_that_it_has_now(
    validated: MakeDataset, put_object: PutObject, alice: User, api: Api
) -> None:
    dataset = validated(alice, chat_file() + other_layouts()["sharegpt"])
    address = f"/api/datasets/{dataset.pk}"
    mixed = api(alice).get(address).data["dataset"]
    assert (mixed["format"], mixed["training_ready"], mixed["validation_warnings"][0]["line"]) == ("mixed", True, 61)
    put_object(dataset.storage_path, other_layouts()["alpaca"])
    api(alice).post(f"{address}/validate")
    validate_dataset(str(dataset.pk))
    assert api(alice).get(address).data["dataset"]["format"] == "alpaca"


def test_findings_name_line_field_error_and_suggestion(validated: MakeDataset, alice: User, api: Api) -> None:
    dataset = validated(alice, b'{"messages": [{"role": "gpt", "content": "Hi"}]}\n')
    shown = api(alice).get(f"/api/datasets/{dataset.pk}").data["dataset"]
    assert (shown["status"], shown["training_ready"]) == ("error", False)
    assert shown["validation_errors"] == [
        {
            "line": 1,
            "field": "messages[0].role",
            "error": "Unknown role “gpt”.",
            "suggestion": "Did you mean “assistant”?",
        }
    ]


def test_the_list_has_pages_and_leaves_long_fields_out(imported: MakeDataset, alice: User, bob: User, api: Api) -> None:
    names = [imported(alice, file_name=f"{number}.jsonl").name for number in range(3)]
    imported(bob)
    answer = api(alice).get("/api/datasets?limit=2").data
    assert [each["name"] for each in answer["datasets"]] == [names[2], names[1]]
    assert answer["pagination"] == {"page": 1, "limit": 2, "total": 3, "total_pages": 2}
    assert "sample" not in answer["datasets"][0]


def test_the_list_can_be_filtered_by_status(
    validated: MakeDataset, imported: MakeDataset, alice: User, api: Api
) -> None:
    validated(alice)
    imported(alice, file_name="waiting.jsonl")
    answer = api(alice).get("/api/datasets?status=ready").data
    assert [each["status"] for each in answer["datasets"]] == ["ready"]
    refused = api(alice).get("/api/datasets?status=done")
    assert refused.status_code == 400
    assert list(refused.data["error"]["details"]) == ["status"]


def test_name_and_description_can_be_changed_and_nothing_else(imported: MakeDataset, alice: User, api: Api) -> None:
    dataset = imported(alice)
    address = f"/api/datasets/{dataset.pk}"
    changed = api(alice).patch(address, {"name": "Better", "status": "ready", "training_ready": True})
    assert changed.data["dataset"]["name"] == "Better"
    assert changed.data["dataset"]["status"] == "validating"
    assert api(alice).patch(address, {"description": "Why"}).data["dataset"]["name"] == "Better"
    dataset.refresh_from_db()
    assert (dataset.name, dataset.description) == ("Better", "Why")
    assert api(alice).patch(address, {"name": ""}).status_code == 400


def test_deleting_twice_is_a_404_and_one_event(imported: MakeDataset, alice: User, api: Api) -> None:
    dataset = imported(alice)
    assert api(alice).delete(f"/api/datasets/{dataset.pk}").status_code == 204
    assert api(alice).delete(f"/api/datasets/{dataset.pk}").status_code == 404
    assert DatasetEvent.objects.filter(kind="deleted").count() == 1


def test_it_is_validated_again_only_when_it_is_not_being_validated(
    validated: MakeDataset, alice: User, api: Api
) -> None:
    dataset = validated(alice)
    again = api(alice).post(f"/api/datasets/{dataset.pk}/validate")
    assert again.data["dataset"]["status"] == "validating"
    assert again.data["dataset"]["training_ready"] is False
    refused = api(alice).post(f"/api/datasets/{dataset.pk}/validate")
    assert refused.status_code == 409
    assert refused.data["error"]["code"] == "validation_running"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("post", "/ticket"),
        ("post", "/complete"),
        ("post", "/validate"),
    ],
)
def test_another_users_dataset_is_a_404_like_one_that_never_was(
    imported: MakeDataset, alice: User, bob: User, operator: User, api: Api, method: str, path: str
) -> None:
    dataset = imported(alice)
    unknown = "00000000-0000-4000-8000-000000000000"
    for other in (bob, operator):
        client = api(other)
        theirs = getattr(client, method)(f"/api/datasets/{dataset.pk}{path}", {"name": "Mine"})
        nobodys = getattr(client, method)(f"/api/datasets/{unknown}{path}", {"name": "Mine"})
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.data == nobodys.data
    dataset.refresh_from_db()
    assert (dataset.name, dataset.deleted_at) == ("chat", None)


@pytest.mark.parametrize("path", ["", "/import", "/00000000-0000-4000-8000-000000000000"])
def test_strangers_are_told_how_to_log_in(db: None, path: str) -> None:
    answer = APIClient().get(f"/api/datasets{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
