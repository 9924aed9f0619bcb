"""Validation and sweep: lost messages, dead workers, changed files, a storage that fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from datasets import lifecycle, reconcile, services
from datasets.exceptions import DatasetChanged, DatasetMissing
from datasets.models import Dataset, DatasetEvent, DatasetStatus
from datasets.storage.base import ObjectInfo, ObjectStore, StorageUnavailable
from tests.datasets.conftest import StorageAway
from tests.datasets.files import chat_file

MakeDataset = Callable[..., Dataset]
PutObject = Callable[..., ObjectInfo]


def test_a_message_that_comes_five_times_validates_once(imported: MakeDataset, alice: User) -> None:
    dataset = imported(alice)
    assert [reconcile.dataset_validate(dataset_id=dataset.pk) for _ in range(5)] == [True] + [False] * 4
    assert DatasetEvent.objects.filter(kind="ready").count() == 1


def test_a_message_for_nothing_is_harmless(db: None) -> None:
    assert reconcile.dataset_validate(dataset_id=uuid4()) is False


def test_a_second_worker_leaves_a_dataset_alone_until_the_lease_runs_out(imported: MakeDataset, alice: User) -> None:
    dataset = imported(alice)
    now = timezone.now()
    assert lifecycle.claim(dataset.pk, now=now)
    assert reconcile.dataset_validate(dataset_id=dataset.pk) is False
    with time_machine.travel(now + timedelta(seconds=lifecycle.LEASE_SECONDS + 1)):
        assert reconcile.dataset_validate(dataset_id=dataset.pk) is True


def test_a_worker_that_lost_its_lease_writes_nothing(imported: MakeDataset, alice: User) -> None:
    dataset = imported(alice)
    lost = lifecycle.claim(dataset.pk, now=timezone.now())
    assert lost is not None
    later = timezone.now() + timedelta(seconds=lifecycle.LEASE_SECONDS + 1)
    assert lifecycle.claim(dataset.pk, now=later)
    assert lifecycle.renew(dataset, lost, progress=50, now=later) is False
    assert not lifecycle.transition(dataset, DatasetStatus.READY, kind="ready", message="", actor="system", lease=lost)
    assert not DatasetEvent.objects.filter(kind="ready").exists()


def test_the_sweep_finds_what_nobody_validates(imported: MakeDataset, alice: User) -> None:
    lost_message, at_work, dead_worker = (imported(alice, file_name=f"{number}.jsonl") for number in range(3))
    now = timezone.now()
    lifecycle.claim(at_work.pk, now=now)
    lifecycle.claim(dead_worker.pk, now=now - timedelta(seconds=lifecycle.LEASE_SECONDS + 1))
    assert set(reconcile.sweep().to_validate) == {lost_message.pk, dead_worker.pk}


def test_a_deleted_dataset_is_not_validated(imported: MakeDataset, alice: User) -> None:
    dataset = imported(alice)
    services.dataset_delete(dataset=dataset, actor="user:alice")
    assert reconcile.dataset_validate(dataset_id=dataset.pk) is False
    assert reconcile.sweep().to_validate == []


def test_a_dead_storage_postpones_and_says_why(imported: MakeDataset, alice: User, storage_away: StorageAway) -> None:
    dataset = imported(alice)
    with storage_away():
        assert reconcile.dataset_validate(dataset_id=dataset.pk) is False
        dataset.refresh_from_db()
        assert dataset.status == "validating"
        assert "storage does not answer" in dataset.waiting_for
        assert reconcile.sweep().to_validate == []

    with time_machine.travel(timezone.now() + timedelta(seconds=reconcile.RETRY_AFTER_S + 1)):
        assert reconcile.sweep().to_validate == [dataset.pk]
        assert reconcile.dataset_validate(dataset_id=dataset.pk) is True
    dataset.refresh_from_db()
    assert (dataset.status, dataset.waiting_for) == ("ready", "")


def test_a_refused_key_is_the_operators_matter_and_no_fault_of_the_dataset(
    imported: MakeDataset, alice: User, settings: Any
) -> None:
    dataset = imported(alice)
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    assert reconcile.dataset_validate(dataset_id=dataset.pk) is False
    dataset.refresh_from_db()
    assert dataset.status == "validating"
    assert "the operator must check its access keys" in dataset.waiting_for


def test_a_file_that_is_gone_is_an_error_with_advice(imported: MakeDataset, store: ObjectStore, alice: User) -> None:
    dataset = imported(alice)
    store.delete(bucket="training-files", path=dataset.storage_path)
    assert reconcile.dataset_validate(dataset_id=dataset.pk) is True
    dataset.refresh_from_db()
    assert (dataset.status, dataset.training_ready, dataset.validation_error_count) == ("error", False, 1)
    assert "no file alice/chat.jsonl" in dataset.validation_errors[0]["error"]


def test_validating_again_forgets_what_was_found_before(
    validated: MakeDataset, put_object: PutObject, alice: User
) -> None:
    dataset = validated(alice, b"{}\n")
    assert dataset.status == "error"
    put_object(dataset.storage_path, chat_file(60))
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    reconcile.dataset_validate(dataset_id=dataset.pk)
    dataset.refresh_from_db()
    assert (dataset.status, dataset.validation_errors, dataset.validation_error_count) == ("ready", [], 0)
    assert list(dataset.events.values_list("kind", flat=True)) == ["imported", "error", "validating", "ready"]


def test_the_error_event_tells_the_first_error(validated: MakeDataset, alice: User) -> None:
    dataset = validated(alice, chat_file(20) + b"{}\n" * 3)
    event = dataset.events.get(kind="error")
    assert event.message == "chat has 3 errors: line 21: There are no messages."


def test_an_unchanged_file_passes_and_others_are_told_apart(
    validated: MakeDataset, put_object: PutObject, store: ObjectStore, alice: User, settings: Any
) -> None:
    dataset = validated(alice)
    services.dataset_verify_unchanged(dataset)
    put_object(dataset.storage_path, chat_file(61))
    with pytest.raises(DatasetChanged):
        services.dataset_verify_unchanged(dataset)
    store.delete(bucket="training-files", path=dataset.storage_path)
    with pytest.raises(DatasetMissing):
        services.dataset_verify_unchanged(dataset)
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(StorageUnavailable):
        services.dataset_verify_unchanged(dataset)


def test_hundreds_that_waited_for_storage_are_brought_back_by_one_sweep(store: ObjectStore, alice: User) -> None:
    waiting = {"owner": alice, "status": "validating", "storage_bucket": "training-files", "waiting_for": "Storage."}
    Dataset.objects.bulk_create(
        Dataset(name=str(number), storage_path=f"alice/{number}.jsonl", **waiting) for number in range(300)
    )
    assert len(reconcile.sweep().to_validate) == 300


def announced_long_ago(owner: User, size: int) -> Dataset:
    dataset, _ = services.dataset_create_upload(owner=owner, name="Old", file_name="old.jsonl", file_size=size)
    Dataset.objects.filter(pk=dataset.pk).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    return dataset


def test_an_upload_that_never_came_ends_after_a_day(store: ObjectStore, alice: User) -> None:
    old = announced_long_ago(alice, 5)
    fresh, _ = services.dataset_create_upload(owner=alice, name="New", file_name="new.jsonl", file_size=5)
    assert reconcile.sweep().events
    old.refresh_from_db()
    fresh.refresh_from_db()
    assert (old.status, fresh.status) == ("error", "uploading")
    assert "never uploaded" in old.validation_errors[0]["error"]
    assert not reconcile.sweep().events


def test_an_upload_that_came_without_a_word_is_taken(store: ObjectStore, put_object: PutObject, alice: User) -> None:
    body = chat_file()
    dataset = announced_long_ago(alice, len(body))
    put_object(dataset.storage_path, body, bucket="lora-datasets")
    assert reconcile.sweep().to_validate == [dataset.pk]


def test_a_dataset_knows_no_other_way_than_the_table(validated: MakeDataset, alice: User) -> None:
    dataset = validated(alice)
    with pytest.raises(ValueError, match="from ready to ready"):
        lifecycle.transition(dataset, DatasetStatus.READY, kind="ready", message="", actor="system")
