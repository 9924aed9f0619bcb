"""Corrected files on a real S3 server: asked for, written by a worker, fetched, saved as a dataset."""

import html
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from datasets import correcting, corrections, reconcile, services
from datasets.exceptions import NoCorrection
from datasets.models import Dataset, DatasetCorrection
from datasets.storage.base import ObjectInfo, ObjectMissing, ObjectStore, StorageError
from datasets.tasks import correct_dataset, validate_dataset
from tests.datasets.conftest import StorageAway
from tests.datasets.files import chat_file

Api = Callable[[User], APIClient]
Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]
PutObject = Callable[..., ObjectInfo]
BUCKET = "lora-datasets"
GOOD = chat_file(60)
FAULTY = b"\xef\xbb\xbf" + (GOOD + b"\n{}\n").replace(b"\n", b"\r\n") + GOOD


def written(dataset: Dataset) -> DatasetCorrection:
    """Ask for the corrected file and be the worker."""
    corrections.correction_request(dataset=dataset)
    correct_dataset(str(dataset.pk))
    return DatasetCorrection.objects.get(dataset=dataset)


def test_from_a_faulty_file_to_a_ready_dataset(
    validated: MakeDataset, store: ObjectStore, alice: User, bob: User, api: Api
) -> None:
    dataset = validated(alice, FAULTY)
    client, address = api(alice), f"/api/datasets/{dataset.pk}/correction"
    assert client.get(address).data["status"] == "none"
    early = client.post(f"{address}/save")
    assert (early.status_code, early.data["error"]["code"]) == (409, "no_correction")
    assert client.post(address).status_code == 202
    assert client.post(address).data["status"] == "waiting"
    correct_dataset(str(dataset.pk))

    done = client.get(address).data
    assert done["status"] == "done"
    assert done["summary"] == {
        "unit": "line",
        "read": 122,
        "written": 60,
        "changes": [
            {"what": "byte order mark removed", "count": 1},
            {"what": "line ends converted from CRLF to LF", "count": 60},
        ],
        "left_out": [
            {"reason": "blank", "count": 1, "lines": [61]},
            {"reason": "There are no messages.", "count": 1, "lines": [62]},
            {"reason": "exact copy of an earlier one", "count": 60, "lines": list(range(63, 83))},
        ],
        "notes": [],
    }
    fetched = requests.get(done["download"]["url"], timeout=60)
    assert fetched.content == GOOD
    assert "chat-corrected.jsonl" in fetched.headers["Content-Disposition"]

    saved = client.post(f"{address}/save")
    assert saved.status_code == 201
    assert client.post(f"{address}/save").data["dataset"]["id"] == saved.data["dataset"]["id"]
    validate_dataset(saved.data["dataset"]["id"])
    new = client.get(f"/api/datasets/{saved.data['dataset']['id']}").data["dataset"]
    assert (new["name"], new["status"], new["storage_bucket"]) == ("chat (corrected)", "ready", BUCKET)
    assert b"".join(store.stream(bucket="training-files", path="alice/chat.jsonl")) == FAULTY
    assert api(bob).get(address).status_code == 404


def test_a_file_that_needs_no_correction_gets_none(validated: MakeDataset, store: ObjectStore, alice: User) -> None:
    correction = written(validated(alice, GOOD))
    assert (correction.status, correction.file_size) == ("done", None)
    with pytest.raises(ObjectMissing):
        store.head(bucket=BUCKET, path=correction.storage_path)


def test_what_no_machine_can_mend_fails_in_words(validated: MakeDataset, store: ObjectStore, alice: User) -> None:
    correction = written(validated(alice, b"name,age\n" * 20))
    assert correction.status == "failed"
    assert "looks like CSV" in correction.message
    assert store.unfinished(bucket=BUCKET, path=correction.storage_path) == ()


def test_a_file_that_has_changed_is_not_corrected_until_it_is_validated_again(
    validated: MakeDataset, put_object: PutObject, alice: User, api: Api
) -> None:
    dataset = validated(alice, FAULTY)
    put_object(dataset.storage_path, GOOD)
    correction = written(dataset)
    assert correction.status == "failed"
    assert "has changed since it was validated. Validate the dataset again" in correction.message
    put_object(dataset.storage_path, FAULTY)  # what it was before
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    reconcile.dataset_validate(dataset_id=dataset.pk)
    assert api(alice).get(f"/api/datasets/{dataset.pk}/correction").data["status"] == "none"
    dataset.refresh_from_db()
    assert written(dataset).status == "done"


@pytest.mark.parametrize(
    ("body", "is_gone", "said"),
    [
        (b"{}\n" * 20, False, "no line of the file is a usable example. Mend it as its report says"),
        (b"name,age\n" * 20, False, "looks like CSV, not JSON lines. Convert each row."),
        (FAULTY, True, "is no longer in training-files. Put it back there and validate the dataset again"),
    ],
)
def test_the_page_of_what_cannot_be_corrected_says_what_to_do_and_offers_nothing_that_cannot_help(
    validated: MakeDataset, store: ObjectStore, alice: User, browse: Page, body: bytes, is_gone: bool, said: str
) -> None:
    dataset = validated(alice, body)
    if is_gone:
        store.delete(bucket="training-files", path=dataset.storage_path)
    written(dataset)
    text = html.unescape(browse(alice).get(f"/datasets/{dataset.pk}").content.decode())
    assert said in text
    assert f'action="/datasets/{dataset.pk}/correct"' not in text
    assert "let a corrected file be made" not in text
    assert text.count(f'action="/datasets/{dataset.pk}/validate"') == 2  # in the head, and beside the reason
    assert 'href="/datasets#add"' in text


def test_a_large_file_is_written_as_it_is_read(validated: MakeDataset, store: ObjectStore, alice: User) -> None:
    line = b'{"prompt": "%d", "completion": "' + b"x" * 600_000 + b'"}\n'
    body = b"".join(line.replace(b"%d", str(number).encode()) for number in range(40))
    correction = written(validated(alice, b"\n" + body))
    assert correction.file_size == len(body)
    assert b"".join(store.stream(bucket=BUCKET, path=correction.storage_path)) == body


def test_a_new_validation_makes_the_corrected_file_old(
    validated: MakeDataset, put_object: PutObject, store: ObjectStore, alice: User, api: Api
) -> None:
    dataset = validated(alice, FAULTY)
    first = written(dataset)
    put_object(dataset.storage_path, FAULTY + b"{}\n")
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    assert api(alice).post(f"/api/datasets/{dataset.pk}/correction").data["error"]["code"] == "not_validated"
    reconcile.dataset_validate(dataset_id=dataset.pk)
    dataset.refresh_from_db()
    assert api(alice).get(f"/api/datasets/{dataset.pk}/correction").data["status"] == "none"
    second = written(dataset)
    assert second.storage_path != first.storage_path
    with pytest.raises(ObjectMissing):
        store.head(bucket=BUCKET, path=first.storage_path)


def test_a_dataset_keeps_the_corrected_file_that_it_was_made_of(
    validated: MakeDataset, store: ObjectStore, alice: User
) -> None:
    dataset = validated(alice, FAULTY)
    first = written(dataset)
    corrections.correction_save(dataset=dataset, actor="user:alice")
    written(dataset)
    services.dataset_delete(dataset=dataset, actor="user:alice")
    reconcile.sweep()
    assert store.head(bucket=BUCKET, path=first.storage_path)


def test_the_sweep_removes_what_nobody_can_fetch_any_more(
    validated: MakeDataset, store: ObjectStore, alice: User
) -> None:
    dataset = validated(alice, FAULTY)
    correction = written(dataset)
    services.dataset_delete(dataset=dataset, actor="user:alice")
    reconcile.sweep()
    assert not DatasetCorrection.objects.exists()
    with pytest.raises(ObjectMissing):
        store.head(bucket=BUCKET, path=correction.storage_path)


def test_lost_messages_dead_workers_and_a_dead_storage_delay_it_only(
    validated: MakeDataset, alice: User, storage_away: StorageAway
) -> None:
    dataset = validated(alice, FAULTY)
    corrections.correction_request(dataset=dataset)
    assert reconcile.sweep().to_correct == [dataset.pk]
    with storage_away():
        correcting.dataset_correct(dataset_id=dataset.pk)
        waiting = DatasetCorrection.objects.get()
        assert waiting.status == "running"
        assert "storage does not answer" in waiting.message
    correcting.dataset_correct(dataset_id=dataset.pk)  # the lease is still held
    assert DatasetCorrection.objects.get().status == "running"
    with time_machine.travel(timezone.now() + timedelta(seconds=correcting.RETRY_AFTER_S + 1)):
        assert reconcile.sweep().to_correct == [dataset.pk]
        correcting.dataset_correct(dataset_id=dataset.pk)
    assert DatasetCorrection.objects.get().status == "done"


def begun(store: ObjectStore, path: str) -> None:
    """What a worker leaves whose storage went away in the middle of a large file."""
    store.begin_parts(bucket=BUCKET, path=path, content_type="application/jsonl")


def test_what_a_dead_storage_kept_of_a_correction_is_removed_when_it_is_back(
    validated: MakeDataset, store: ObjectStore, alice: User, storage_away: StorageAway
) -> None:
    dataset = validated(alice, FAULTY)
    correction = written(dataset)
    begun(store, correction.storage_path)
    services.dataset_delete(dataset=dataset, actor="user:alice")
    with storage_away():
        reconcile.sweep()
        assert DatasetCorrection.objects.exists()
    reconcile.sweep()
    assert not DatasetCorrection.objects.exists()
    assert store.unfinished(bucket=BUCKET, path=correction.storage_path) == ()
    with pytest.raises(ObjectMissing):
        store.head(bucket=BUCKET, path=correction.storage_path)


def test_a_new_correction_forgets_no_file_of_the_last_one_while_storage_is_away(
    validated: MakeDataset, put_object: PutObject, store: ObjectStore, alice: User, api: Api, storage_away: StorageAway
) -> None:
    dataset = validated(alice, FAULTY)
    first = written(dataset)
    begun(store, first.storage_path)
    put_object(dataset.storage_path, FAULTY + b"{}\n")
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    reconcile.dataset_validate(dataset_id=dataset.pk)
    with storage_away():
        refused = api(alice).post(f"/api/datasets/{dataset.pk}/correction")
        assert (refused.status_code, refused.data["error"]["code"]) == (503, "storage_unavailable")
    assert api(alice).post(f"/api/datasets/{dataset.pk}/correction").status_code == 202
    assert DatasetCorrection.objects.get().storage_path != first.storage_path
    assert store.unfinished(bucket=BUCKET, path=first.storage_path) == ()
    with pytest.raises(ObjectMissing):
        store.head(bucket=BUCKET, path=first.storage_path)


def test_no_dataset_is_made_of_a_file_that_a_new_correction_removes(
    validated: MakeDataset, alice: User, storage_away: StorageAway
) -> None:
    dataset = validated(alice, FAULTY)
    first = written(dataset)
    with storage_away():
        with pytest.raises(StorageError):  # the file may be gone, or not
            corrections.correction_request(dataset=dataset)
        with pytest.raises(NoCorrection):
            corrections.correction_save(dataset=dataset, actor="user:alice")
    assert written(dataset).storage_path != first.storage_path
    assert corrections.correction_save(dataset=dataset, actor="user:alice").status == "validating"


def test_a_correction_that_is_not_possible_leaves_nothing_in_storage(
    validated: MakeDataset, store: ObjectStore, alice: User, storage_away: StorageAway
) -> None:
    dataset = validated(alice, b"{}\n" * 20)
    correction = corrections.correction_request(dataset=dataset)
    begun(store, correction.storage_path)
    with storage_away():
        correcting.dataset_correct(dataset_id=dataset.pk)
        correction.refresh_from_db()
        assert correction.status == "running"
        assert correction.message.endswith("It is tried again by itself.")
    with time_machine.travel(timezone.now() + timedelta(seconds=correcting.RETRY_AFTER_S + 1)):
        correcting.dataset_correct(dataset_id=dataset.pk)
    correction.refresh_from_db()
    assert correction.status == "failed"
    assert store.unfinished(bucket=BUCKET, path=correction.storage_path) == ()


def test_the_page_goes_the_same_way(validated: MakeDataset, alice: User, browse: Page) -> None:
    dataset = validated(alice, FAULTY)
    browser, address = browse(alice), f"/datasets/{dataset.pk}"

    def text(path: str = address) -> str:
        return html.unescape(browser.get(path, follow=True).content.decode())

    assert "Make a corrected file" in text()
    assert "There is no corrected file" in text(f"{address}/corrected")
    browser.post(f"{address}/correct")
    assert 'data-live="true"' in text()
    correct_dataset(str(dataset.pk))
    shown = text()
    assert "60 examples of 122 lines" in shown
    assert "Line ends converted from CRLF to LF" in shown
    assert "lines 63, 64," in shown
    assert browser.get(f"{address}/corrected")["Location"].startswith("http://127.0.0.1")
    browser.post(f"{address}/corrected/save")
    assert "Open “chat (corrected)”" in text()


def test_a_dataset_that_waits_for_its_file_has_nothing_to_correct(store: ObjectStore, alice: User, api: Api) -> None:
    dataset, _ = services.dataset_create_upload(owner=alice, name="x", file_name="x.jsonl", file_size=5)
    refused = api(alice).post(f"/api/datasets/{dataset.pk}/correction")
    assert (refused.status_code, refused.data["error"]["code"]) == (409, "not_validated")
