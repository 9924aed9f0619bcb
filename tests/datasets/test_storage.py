"""The object store on a real S3 server."""

import hashlib
from collections.abc import Iterator
from io import BytesIO, RawIOBase
from typing import Any

import pytest
import requests

from datasets.storage import checksum, open_store, signing
from datasets.storage.base import (
    InvalidKey,
    ObjectChanged,
    ObjectMissing,
    ObjectStore,
    StorageDenied,
    StorageUnavailable,
)

MODELS = "lora-models"


def put(store: ObjectStore, path: str, body: bytes = b"hello") -> None:
    store.put(bucket=MODELS, path=path, body=BytesIO(body))


def test_what_was_put_can_be_read_in_chunks(store: ObjectStore) -> None:
    body = bytes(range(256)) * 40_000
    stored = store.put(bucket=MODELS, path="a/b.bin", body=BytesIO(body))
    chunks = list(store.stream(bucket=MODELS, path="a/b.bin", etag=stored.etag, chunk_bytes=1_000_000))
    assert b"".join(chunks) == body
    assert max(map(len, chunks)) <= 1_000_000
    assert store.head(bucket=MODELS, path="a/b.bin").size == len(body)
    rest = store.stream(bucket=MODELS, path="a/b.bin", etag=stored.etag, start=1_000_003, chunk_bytes=1000)
    assert next(rest) == body[1_000_003:1_001_003]
    rest.close()
    assert checksum(bucket=MODELS, path="a/b.bin") == hashlib.sha256(body).hexdigest()


def test_a_stream_of_unknown_length_can_be_put(store: ObjectStore) -> None:
    class Pieces(RawIOBase):
        def __init__(self, pieces: Iterator[bytes]) -> None:
            self._pieces = pieces

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return next(self._pieces, b"")

    body = Pieces(iter([b"x" * 1_000_000] * 20))
    assert store.put(bucket=MODELS, path="piped", body=body).size == 20_000_000  # type: ignore[arg-type]


def test_copy_and_delete(store: ObjectStore) -> None:
    put(store, "from")
    assert store.copy(source_bucket=MODELS, source_path="from", bucket="lora-datasets", path="to").size == 5
    store.delete(bucket=MODELS, path="from")
    store.delete(bucket=MODELS, path="from")
    with pytest.raises(ObjectMissing):
        store.head(bucket=MODELS, path="from")


def test_a_listing_goes_on_where_it_stopped(store: ObjectStore) -> None:
    for number in range(5):
        put(store, f"alice/{number}")
    put(store, "bob/0")
    first = store.list(bucket=MODELS, prefix="alice/", limit=3)
    assert [each.path for each in first.objects] == ["alice/0", "alice/1", "alice/2"]
    assert first.next_after == "alice/2"
    rest = store.list(bucket=MODELS, prefix="alice/", after=first.next_after, limit=3)
    assert [each.path for each in rest.objects] == ["alice/3", "alice/4"]
    assert rest.next_after is None


def test_a_changed_object_is_not_streamed(store: ObjectStore) -> None:
    old = store.put(bucket=MODELS, path="a", body=BytesIO(b"old"))
    put(store, "a", b"new")
    with pytest.raises(ObjectChanged):
        next(iter(store.stream(bucket=MODELS, path="a", etag=old.etag)))


def test_missing_objects_and_missing_buckets_are_told_apart(store: ObjectStore, settings: Any) -> None:
    with pytest.raises(ObjectMissing):
        next(iter(store.stream(bucket=MODELS, path="nothing")))
    settings.S3_BUCKETS = settings.S3_BUCKETS | {MODELS: "nowhere"}
    with pytest.raises(StorageDenied, match="S3_BUCKET_LORA_MODELS"):
        store.head(bucket=MODELS, path="nothing")


def test_errors_say_whether_trying_again_helps(store: ObjectStore, settings: Any) -> None:
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    with pytest.raises(StorageDenied) as denied:
        open_store().head(bucket=MODELS, path="a")
    assert denied.value.permanent
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(StorageUnavailable) as unavailable:
        open_store().head(bucket=MODELS, path="a")
    assert not unavailable.value.permanent


def test_a_dirty_path_never_leaves_the_house(store: ObjectStore) -> None:
    with pytest.raises(InvalidKey):
        store.head(bucket=MODELS, path="alice/../bob")
    with pytest.raises(InvalidKey):
        signing.sign_download(bucket=MODELS, path="alice/../bob")
    with pytest.raises(InvalidKey):
        signing.sign_upload(bucket=MODELS, path="/x", size=1, content_type="text/plain")


def test_a_signed_url_opens_one_object_and_nothing_else(store: ObjectStore) -> None:
    put(store, "alice/ü +%.bin")
    put(store, "bob.bin")
    signed = signing.sign_download(bucket=MODELS, path="alice/ü +%.bin")
    assert requests.get(signed.url, timeout=60).content == b"hello"
    elsewhere = signed.url.replace("alice/%C3%BC%20%2B%25.bin", "bob.bin")
    assert elsewhere != signed.url
    assert requests.get(elsewhere, timeout=60).status_code == 403
    assert requests.put(signed.url, data=b"x", timeout=60).status_code == 403


def test_a_signed_url_is_not_in_its_repr(store: ObjectStore) -> None:
    signed = signing.sign_download(bucket=MODELS, path="a")
    ticket = signing.sign_upload(bucket=MODELS, path="a", size=1, content_type="text/plain")
    assert "Signature" not in repr(signed)
    assert "Signature" not in repr(ticket)


def test_signed_urls_carry_the_public_address(store: ObjectStore, settings: Any) -> None:
    settings.S3_PUBLIC_ENDPOINT_URL = "https://files.example.com"
    assert signing.sign_download(bucket=MODELS, path="a").url.startswith("https://files.example.com/")
    assert signing.public_origin(MODELS) == "https://files.example.com"


def test_on_aws_the_bucket_is_part_of_the_host(settings: Any) -> None:
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = None
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "key", "secret"
    settings.S3_REGION = "eu-central-1"
    assert signing.public_origin(MODELS) == "https://lora-models.s3.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3600 + 1])
def test_a_signed_url_lives_a_second_to_a_week(seconds: int, store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="can live"):
        signing.sign_download(bucket=MODELS, path="a", expires_s=seconds)
