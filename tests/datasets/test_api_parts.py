"""An upload in parts: tickets, what has arrived, going on, putting together; on a real S3 server."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from datasets import multipart, reconcile, services
from datasets.models import Dataset, DatasetStatus
from datasets.multipart import Plan
from datasets.storage.base import ObjectStore, UploadGone
from tests.datasets.conftest import StorageAway
from tests.datasets.files import chat_line

Api = Callable[[User], APIClient]
BUCKET = "lora-datasets"
# Two whole parts and a short one.
BODY = chat_line(("user", "Say x."), ("assistant", "x" * 1_000_000)) * 18


@pytest.fixture
def waiting(store: ObjectStore, alice: User) -> Dataset:
    """A dataset that waits for BODY."""
    dataset, _ = services.dataset_create_upload(owner=alice, name="Big", file_name="big.jsonl", file_size=len(BODY))
    return dataset


def tickets(client: APIClient, dataset: Dataset, *numbers: int) -> list[dict[str, Any]]:
    answer = client.post(f"/api/datasets/{dataset.pk}/parts", {"part_numbers": numbers})
    assert answer.status_code == 200, answer.data
    assert answer["Cache-Control"] == "no-store"
    return list(answer.data["parts"])


def send(ticket: dict[str, Any], body: bytes | None = None) -> int:
    start = (ticket["number"] - 1) * multipart.PART_BYTES
    part = BODY[start : start + multipart.PART_BYTES] if body is None else body
    return requests.request(
        ticket["method"], ticket["url"], data=part, headers=ticket["headers"], timeout=60
    ).status_code


def arrived(client: APIClient, dataset: Dataset) -> list[int]:
    return [part["number"] for part in client.get(f"/api/datasets/{dataset.pk}/parts").data["parts"]]


def test_an_upload_pauses_goes_on_elsewhere_and_becomes_one_file(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api
) -> None:
    client, address = api(alice), f"/api/datasets/{waiting.pk}"
    assert client.get(f"{address}/parts").data == {"part_size": multipart.PART_BYTES, "part_count": 3, "parts": []}
    last, first = tickets(client, waiting, 3, 1)
    assert [send(last), send(first)] == [200, 200]
    (stored, _) = client.get(f"{address}/parts").data["parts"]
    assert stored["etag"].strip('"') == hashlib.md5(BODY[: multipart.PART_BYTES], usedforsecurity=False).hexdigest()

    elsewhere = api(alice)
    assert arrived(elsewhere, waiting) == [1, 3]
    early = elsewhere.post(f"{address}/complete")
    assert (early.status_code, early.data["error"]["code"]) == (409, "upload_incomplete")
    assert early.data["error"]["details"] == {"missing": [2], "missing_count": 1}
    for ticket in tickets(elsewhere, waiting, 2):
        send(ticket)

    completed = elsewhere.post(f"{address}/complete")
    assert completed.data["dataset"]["status"] == "validating"
    assert b"".join(store.stream(bucket=BUCKET, path=waiting.storage_path)) == BODY
    again = elsewhere.post(f"{address}/complete")
    assert again.data == completed.data
    late = elsewhere.post(f"{address}/parts", {"part_numbers": [1]})
    assert (late.status_code, late.data["error"]["code"]) == (409, "upload_finished")


def test_completing_goes_on_where_the_answer_of_storage_was_lost(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api
) -> None:
    client = api(alice)
    for ticket in tickets(client, waiting, 1, 2, 3):
        send(ticket)
    waiting.refresh_from_db()
    multipart.join(waiting)  # and then the process died
    assert client.post(f"/api/datasets/{waiting.pk}/complete").data["dataset"]["status"] == "validating"


def test_storage_takes_a_part_of_its_own_size_at_its_own_place_alone(
    waiting: Dataset, alice: User, bob: User, api: Api
) -> None:
    (ticket,) = tickets(api(alice), waiting, 3)
    assert send(ticket, BODY[-100:]) == 403
    assert send(ticket | {"url": ticket["url"].replace("partNumber=3", "partNumber=2")}) == 403
    assert send(ticket) == 200
    assert api(bob).get(f"/api/datasets/{waiting.pk}/parts").status_code == 404


@pytest.mark.parametrize("numbers", [[], [0], [4], ["x"], [1] * 101, None])
def test_numbers_that_the_file_does_not_have_are_refused(
    waiting: Dataset, alice: User, api: Api, numbers: object
) -> None:
    refused = api(alice).post(f"/api/datasets/{waiting.pk}/parts", {"part_numbers": numbers}, format="json")
    assert refused.status_code == 400
    assert list(refused.data["error"]["details"]) == ["part_numbers"]
    waiting.refresh_from_db()
    assert waiting.upload_id == ""


def test_an_upload_that_storage_has_given_up_begins_anew(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api
) -> None:
    client = api(alice)
    (ticket,) = tickets(client, waiting, 1)
    send(ticket)
    waiting.refresh_from_db()
    given_up = waiting.upload_id
    store.drop_parts(bucket=BUCKET, path=waiting.storage_path, upload_id=given_up)
    assert send(ticket) == 404
    assert arrived(client, waiting) == []
    assert send(tickets(client, waiting, 1)[0]) == 200
    assert arrived(client, waiting) == [1]
    with pytest.raises(UploadGone):
        store.list_parts(bucket=BUCKET, path=waiting.storage_path, upload_id=given_up)


def test_two_who_begin_at_once_share_one_upload(store: ObjectStore, waiting: Dataset) -> None:
    stale = Dataset.objects.get(pk=waiting.pk)
    multipart.sign_parts(waiting, [1])
    multipart.sign_parts(stale, [1])
    assert stale.upload_id == waiting.upload_id
    assert store.unfinished(bucket=BUCKET, path=waiting.storage_path) == (waiting.upload_id,)


def test_deleting_a_dataset_removes_the_parts_that_have_arrived(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api
) -> None:
    send(tickets(api(alice), waiting, 1)[0])
    assert api(alice).delete(f"/api/datasets/{waiting.pk}").status_code == 204
    assert store.unfinished(bucket=BUCKET, path=waiting.storage_path) == ()


def test_the_sweep_clears_what_a_dead_storage_kept(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api, storage_away: StorageAway
) -> None:
    send(tickets(api(alice), waiting, 1)[0])
    with storage_away():
        assert api(alice).delete(f"/api/datasets/{waiting.pk}").status_code == 204
    assert len(store.unfinished(bucket=BUCKET, path=waiting.storage_path)) == 1
    reconcile.sweep()
    assert store.unfinished(bucket=BUCKET, path=waiting.storage_path) == ()
    waiting.refresh_from_db()
    assert (waiting.upload_id, waiting.upload_part_size) == ("", None)


def test_an_upload_ends_a_day_after_it_was_last_worked_on(
    store: ObjectStore, waiting: Dataset, alice: User, api: Api
) -> None:
    send(tickets(api(alice), waiting, 1)[0])
    long_ago = timezone.now() - timedelta(days=1, minutes=1)
    Dataset.objects.filter(pk=waiting.pk).update(created_at=long_ago)
    reconcile.sweep()
    waiting.refresh_from_db()
    assert waiting.status == DatasetStatus.UPLOADING
    Dataset.objects.filter(pk=waiting.pk).update(upload_active_at=long_ago)
    assert reconcile.sweep().events
    waiting.refresh_from_db()
    assert waiting.status == DatasetStatus.ERROR
    assert store.unfinished(bucket=BUCKET, path=waiting.storage_path) == ()


def test_the_file_may_come_in_one_piece_after_parts_were_begun(waiting: Dataset, alice: User, api: Api) -> None:
    client, address = api(alice), f"/api/datasets/{waiting.pk}"
    tickets(client, waiting, 1)
    upload = client.post(f"{address}/ticket").data["upload"]
    requests.put(upload["url"], data=BODY, headers=upload["headers"], timeout=60).raise_for_status()
    assert client.post(f"{address}/complete").status_code == 200


def test_a_file_is_known_again_by_its_fingerprint(store: ObjectStore, alice: User, api: Api) -> None:
    body = {"name": "x", "file_name": "x.jsonl", "file_size": 9, "fingerprint": "1764322155-5f3a"}
    created = api(alice).post("/api/datasets", body).data
    assert created["dataset"]["upload_fingerprint"] == "1764322155-5f3a"
    assert created["parts"] == {"part_size": multipart.PART_BYTES, "part_count": 1}
    (listed,) = api(alice).get("/api/datasets?status=uploading").data["datasets"]
    assert listed["upload_fingerprint"] == "1764322155-5f3a"


def test_there_is_an_end_to_announcing(store: ObjectStore, alice: User, bob: User, api: Api) -> None:
    body = {"name": "x", "file_name": "x.jsonl", "file_size": 9}
    Dataset.objects.bulk_create(
        Dataset(owner=alice, name="x", storage_bucket=BUCKET) for _ in range(services.MAX_WAITING_UPLOADS)
    )
    refused = api(alice).post("/api/datasets", body)
    assert (refused.status_code, refused.data["error"]["code"]) == (409, "too_many_uploads")
    assert api(bob).post("/api/datasets", body).status_code == 201
    Dataset.objects.filter(owner=alice).update(status=DatasetStatus.READY)
    assert api(alice).post("/api/datasets", body).status_code == 201, "what has its file waits for none"


@pytest.mark.parametrize(
    "size", [1, 5 * 1024**2, multipart.PART_BYTES, multipart.PART_BYTES + 1, 5 * 1024**3, 2 * 10**12]
)
def test_parts_add_up_and_are_of_a_size_that_storage_takes(size: int) -> None:
    dataset = Dataset(file_size=size)
    cut = multipart.plan(dataset)
    sizes = [cut.size_of(number) for number in range(1, cut.count + 1)]
    assert sum(sizes) == size
    assert len(sizes) <= multipart.MAX_PARTS
    assert set(sizes[:-1]) <= {cut.part_size}
    assert cut.part_size >= 5 * 1024**2
    assert 0 < sizes[-1] <= cut.part_size


def test_a_part_size_once_begun_with_stays() -> None:
    assert multipart.plan(Dataset(file_size=100, upload_part_size=30)) == Plan(100, 30)
    assert Plan(100, 30).count == 4
    assert Plan(100, 30).size_of(4) == 10
