"""What `manage.py doctor` learns about the storage."""

from collections.abc import Callable
from typing import Any

from datasets.storage.base import ObjectInfo, ObjectStore
from datasets.storage.diagnose import diagnose


def test_a_sound_storage_gets_good_findings_for_every_bucket_and_the_expiry(store: ObjectStore) -> None:
    findings = diagnose()
    assert all(finding.ok for finding in findings)
    assert {finding.name for finding in findings} == {"expiry of signed URLs"} | {
        f"{what} {bucket}"
        for what in ("bucket", "signing")
        for bucket in ("lora-datasets", "training-files", "lora-models")
    }


def test_it_leaves_nothing_behind_and_never_writes_into_training_files(
    store: ObjectStore, put_object: Callable[..., ObjectInfo]
) -> None:
    put_object("alice/chat.jsonl")
    diagnose()
    assert not store.list(bucket="lora-datasets", prefix="").objects
    assert [each.path for each in store.list(bucket="training-files", prefix="").objects] == ["alice/chat.jsonl"]


def test_a_missing_bucket_is_named_with_its_variable(store: ObjectStore, settings: Any) -> None:
    settings.S3_BUCKETS = settings.S3_BUCKETS | {"training-files": "nowhere"}
    (finding,) = [finding for finding in diagnose() if not finding.ok]
    assert finding.name == "bucket training-files"
    assert "S3_BUCKET_TRAINING_FILES" in finding.message


def test_a_wrong_secret_is_told_from_a_missing_bucket(store: ObjectStore, settings: Any) -> None:
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    findings = diagnose()
    assert [finding.ok for finding in findings] == [False] * 3
    assert all("refuses our key" in finding.message for finding in findings)


def test_a_public_address_that_nobody_answers_is_named(store: ObjectStore, settings: Any) -> None:
    settings.S3_PUBLIC_ENDPOINT_URL = "http://127.0.0.1:9"
    faults = [finding for finding in diagnose() if not finding.ok]
    assert [fault.name.split()[0] for fault in faults] == ["signing"] * 3
    assert all("S3_PUBLIC_ENDPOINT_URL" in fault.advice for fault in faults)
    assert not any("Signature" in fault.message for fault in faults)
