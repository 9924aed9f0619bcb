"""POST /api/datasets → PUT to storage → POST …/complete → validation → ready, on a real S3 server."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from datasets.models import Dataset, DatasetEvent
from datasets.storage.base import ObjectStore
from datasets.tasks import validate_dataset
from tests.datasets.files import chat_file

Api = Callable[[User], APIClient]


def announce(client: APIClient, size: int, **values: Any) -> Any:
    body = {"name": "Support", "file_name": "support.jsonl", "file_size": size, **values}
    return client.post("/api/datasets", body)


def send(upload: dict[str, Any], body: bytes) -> requests.Response:
    return requests.request(upload["method"], upload["url"], data=body, headers=upload["headers"], timeout=60)


def test_an_uploaded_file_becomes_a_ready_dataset(store: ObjectStore, alice: User, api: Api) -> None:
    body = chat_file(60)
    created = announce(api(alice), len(body))
    assert created.status_code == 201
    assert created.data["dataset"]["status"] == "uploading"
    assert send(created.data["upload"], body).status_code == 200

    dataset_id = created.data["dataset"]["id"]
    completed = api(alice).post(f"/api/datasets/{dataset_id}/complete")
    assert completed.status_code == 200
    assert completed.data["dataset"]["status"] == "validating"

    validate_dataset(dataset_id)
    dataset = api(alice).get(f"/api/datasets/{dataset_id}").data["dataset"]
    assert dataset["status"] == "ready"
    assert dataset["training_ready"] is True
    assert dataset["total_training_pairs"] == 60
    assert dataset["storage_bucket"] == "lora-datasets"
    assert dataset["storage_path"] == f"{alice.pk}/{dataset_id}/support.jsonl"
    assert [event.kind for event in DatasetEvent.objects.all()] == ["uploaded", "ready"]


def test_storage_refuses_a_file_of_another_size_or_type(store: ObjectStore, alice: User, api: Api) -> None:
    body = chat_file(5)
    upload = announce(api(alice), len(body)).data["upload"]
    assert send(upload, body + b"\n").status_code == 403
    assert send(upload | {"headers": {"Content-Type": "text/html"}}, body).status_code == 403
    assert send(upload, body).status_code == 200


def test_complete_before_the_file_arrived_is_a_conflict_and_can_be_repeated(
    store: ObjectStore, alice: User, api: Api
) -> None:
    body = chat_file(5)
    created = announce(api(alice), len(body)).data
    address = f"/api/datasets/{created['dataset']['id']}/complete"
    refused = api(alice).post(address)
    assert refused.status_code == 409
    assert refused.data["error"]["code"] == "upload_missing"
    send(created["upload"], body)
    assert api(alice).post(address).status_code == 200


def test_complete_names_both_sizes_when_they_differ(store: ObjectStore, alice: User, api: Api) -> None:
    created = announce(api(alice), 100).data["dataset"]
    # The signature would have refused it; an operator with keys could still put it there.
    Dataset.objects.filter(pk=created["id"]).update(file_size=101)
    send(api(alice).post(f"/api/datasets/{created['id']}/ticket").data["upload"], b"x" * 101)
    Dataset.objects.filter(pk=created["id"]).update(file_size=100)
    refused = api(alice).post(f"/api/datasets/{created['id']}/complete")
    assert refused.status_code == 409
    assert refused.data["error"]["code"] == "upload_size_mismatch"
    assert refused.data["error"]["details"] == {"expected": 100, "actual": 101}


def test_complete_again_changes_nothing(store: ObjectStore, alice: User, api: Api) -> None:
    body = chat_file(5)
    created = announce(api(alice), len(body)).data
    send(created["upload"], body)
    address = f"/api/datasets/{created['dataset']['id']}/complete"
    first, second = api(alice).post(address), api(alice).post(address)
    assert first.data == second.data
    assert DatasetEvent.objects.filter(kind="uploaded").count() == 1


def test_a_new_ticket_serves_until_the_upload_is_complete(store: ObjectStore, alice: User, api: Api) -> None:
    body = chat_file(5)
    created = announce(api(alice), len(body)).data["dataset"]
    renewed = api(alice).post(f"/api/datasets/{created['id']}/ticket")
    assert renewed.status_code == 200
    assert renewed["Cache-Control"] == "no-store"
    send(renewed.data["upload"], body)
    api(alice).post(f"/api/datasets/{created['id']}/complete")
    refused = api(alice).post(f"/api/datasets/{created['id']}/ticket")
    assert refused.status_code == 409
    assert refused.data["error"]["code"] == "upload_finished"


def test_a_ticket_expires_when_it_says_so(store: ObjectStore, alice: User, api: Api, settings: Any) -> None:
    settings.SIGNED_URL_TTL_SECONDS = 900
    before = timezone.now()
    upload = announce(api(alice), 5).data["upload"]
    expires_in = datetime.fromisoformat(upload["expires_at"]) - before
    assert timedelta(seconds=899) < expires_in < timedelta(seconds=930)
    assert "X-Amz-Expires=900" in upload["url"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("file_name", "../bob/chat.jsonl"),
        ("file_name", "a\\b.jsonl"),
        ("file_name", ".."),
        ("file_name", "a\u200bb.jsonl"),
        ("file_name", "%2e%2e"),
        ("file_name", "x" * 201),
        ("file_size", 0),
        ("file_size", -1),
        ("file_size", "many"),
        ("file_size", 6 * 1024**3),
        ("format", "parquet"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(
    store: ObjectStore, alice: User, api: Api, field: str, value: object
) -> None:
    refused = announce(api(alice), **({"size": 5} | {"size" if field == "file_size" else field: value}))  # type: ignore[arg-type]
    assert refused.status_code == 400
    assert list(refused.data["error"]["details"]) == [field]
    assert not Dataset.objects.exists()


def test_a_decomposed_file_name_is_the_same_name(store: ObjectStore, alice: User, api: Api) -> None:
    dataset = announce(api(alice), 5, file_name="cafe\u0301.jsonl").data["dataset"]
    assert dataset["file_name"] == "caf\u00e9.jsonl"


def test_no_signed_url_reaches_the_log(
    store: ObjectStore, alice: User, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        announce(api(alice), 5)
    assert "X-Amz-Signature" not in caplog.text


def test_a_dead_storage_is_a_503_that_says_so(alice: User, api: Api, settings: Any) -> None:
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = "http://127.0.0.1:9"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "secret"
    created = announce(api(alice), 5).data["dataset"]
    refused = api(alice).post(f"/api/datasets/{created['id']}/complete")
    assert refused.status_code == 503
    assert refused.data["error"]["code"] == "storage_unavailable"
