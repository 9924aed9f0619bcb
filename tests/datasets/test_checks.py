"""Wrong storage settings are found at start, by the variable's name."""

from typing import Any

import pytest

from datasets.checks import storage_is_usable


def test_the_defaults_are_fine(db: None) -> None:
    assert storage_is_usable() == []


@pytest.mark.parametrize(
    ("name", "value", "mentioned"),
    [
        ("S3_BUCKETS", {"lora-datasets": "a", "training-files": "b"}, "S3_BUCKET_LORA_MODELS"),
        ("S3_BUCKETS", {"lora-datasets": "a", "training-files": "a", "lora-models": "b"}, "S3_BUCKET_TRAINING_FILES"),
        ("S3_ENDPOINT_URL", "localhost:9000", "S3_ENDPOINT_URL"),
        ("S3_ENDPOINT_URL", "http://key:secret@localhost:9000", "S3_ENDPOINT_URL"),
        ("S3_ENDPOINT_URL", "http://localhost:port", "S3_ENDPOINT_URL"),
        ("S3_PUBLIC_ENDPOINT_URL", "https://files.example.com/bucket", "S3_PUBLIC_ENDPOINT_URL"),
        ("S3_ACCESS_KEY_ID", "key", "S3_SECRET_ACCESS_KEY"),
        ("SIGNED_URL_TTL_SECONDS", 0, "SIGNED_URL_TTL_SECONDS"),
        ("SIGNED_URL_TTL_SECONDS", 30, "SIGNED_URL_TTL_SECONDS"),
        ("SIGNED_URL_TTL_SECONDS", 10**6, "SIGNED_URL_TTL_SECONDS"),
        ("UPLOAD_MAX_BYTES", 0, "UPLOAD_MAX_BYTES"),
        ("UPLOAD_MAX_BYTES", 6 * 1024**3, "UPLOAD_MAX_BYTES"),
    ],
)
def test_a_wrong_value_is_named_with_advice(settings: Any, name: str, value: object, mentioned: str) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9000"
    setattr(settings, name, value)
    (message,) = storage_is_usable()
    assert mentioned in f"{message.msg} {message.hint}"
    assert message.hint
    assert "secret" not in message.msg


def test_the_storages_address_may_end_in_a_slash(settings: Any) -> None:
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = "https://s3.example.com:9000/"
    assert storage_is_usable() == []
