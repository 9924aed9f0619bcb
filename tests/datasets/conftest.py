"""The object store behind the settings, and datasets in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User

from datasets import reconcile, services
from datasets.models import Dataset
from datasets.storage import open_store
from datasets.storage.base import ObjectInfo, ObjectStore
from tests.datasets.files import chat_file
from tests.servers import TestBuckets

PutObject = Callable[..., ObjectInfo]
MakeDataset = Callable[..., Dataset]
StorageAway = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def store(s3_server: TestBuckets, settings: Any) -> ObjectStore:
    """The store as the product opens it, on this test's own empty buckets."""
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = s3_server.server.endpoint_url
    settings.S3_ACCESS_KEY_ID = s3_server.server.access_key_id
    settings.S3_SECRET_ACCESS_KEY = s3_server.server.secret_access_key
    settings.S3_REGION = s3_server.server.region
    settings.S3_BUCKETS = s3_server.buckets
    return open_store()


@pytest.fixture
def storage_away(store: ObjectStore, settings: Any) -> StorageAway:
    """`with storage_away():` nothing listens where the storage should be."""

    @contextmanager
    def away() -> Iterator[None]:
        address, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, "http://127.0.0.1:9"
        yield
        settings.S3_ENDPOINT_URL = address

    return away


@pytest.fixture
def put_object(store: ObjectStore) -> PutObject:
    """`put_object("alice/chat.jsonl", b"…")` stores a file in training-files."""

    def put(path: str, body: bytes = chat_file(), bucket: str = "training-files") -> ObjectInfo:
        return store.put(bucket=bucket, path=path, body=BytesIO(body))

    return put


@pytest.fixture
def imported(put_object: PutObject) -> MakeDataset:
    """`imported(alice, b"…")` is a dataset that alice imported and that waits for its validation."""

    def make(owner: User, body: bytes = chat_file(), file_name: str = "chat.jsonl") -> Dataset:
        path = f"{owner.get_username()}/{file_name}"
        put_object(path, body)
        return services.dataset_import(owner=owner, path=path)

    return make


@pytest.fixture
def validated(imported: MakeDataset) -> MakeDataset:
    """`validated(alice, b"…")` is such a dataset after its validation."""

    def make(owner: User, body: bytes = chat_file()) -> Dataset:
        dataset = imported(owner, body)
        reconcile.dataset_validate(dataset_id=dataset.pk)
        dataset.refresh_from_db()
        return dataset

    return make
