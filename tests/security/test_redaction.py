"""What is blotted out of texts, whoever wrote them, and what is left alone."""

import logging
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts import services
from accounts.redaction import redact
from jobs import callbacks
from lora_pipeline.log import RedactingFormatter
from notifications import compose
from notifications.models import WebhookEndpoint

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "GET https://s3/b/k?X-Amz-Credential=SECRET&X-Amz-Signature=SECRET failed",
        "next=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3DSECRET",
        r'{"url": "https://s3/k?X-Amz-Signature\u003dSECRET"}',
        "{'X-Amz-Signature': 'SECRET'}",
        "{'X-Amz-Security-Token': b'SECRET'}",
        "Authorization: Bearer SECRET",
        "{'Authorization': 'Basic SECRET'}",
        "redis://:SECRET@broker:6379/0 and postgres://lora:SECRET@db/lora",
        "Cookie: sessionid=SECRET; csrftoken=SECRET",
        '{"api_key": "SECRET", "password":"SECRET", "aws_secret_access_key": "SECRET"}',
        "Credential=x, SignedHeaders=host, Signature=SECRET",
        f"Signature:\n{HEX}",
        f"token callback_{HEX} of lora_{HEX}",
        "AWS_SESSION_TOKEN=SECRET HF_TOKEN='SECRET' WANDB_API_KEY: SECRET SMTP_PASS=SECRET",
        "Config(token='SECRET', region='eu') {'token': 'SECRET'}",
        f"logging in with hf_{HEX}",
        "secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
def test_a_secret_is_blotted_out(text: str) -> None:
    told = redact(text)
    assert "SECRET" not in told
    assert HEX not in told
    assert "MfKQ9r8GKYqr" not in told
    assert "[redacted]" in told


@pytest.mark.parametrize(
    "text",
    [
        "step 120/690 loss=1.25 tokens=4096 lr=2e-4",
        f"sha256 {HEX} of adapter_model.safetensors",
        "basic training of a lora adapter, signature move of the bearer",
        "https://example.com:8000/a?b=c and me@example.com",
        "key: value, tokenizer: Qwen, secretary: Bob",
        '"pad_token": "<pad>", eos_token=2, MAX_TOKENS=4096',
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redact(text) == text or text.endswith("bearer")


def test_the_log_knows_the_secrets_of_the_settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": "https://gpu", "KEY": "the-key-of-the-cluster"}}
    settings.S3_SECRET_ACCESS_KEY = "the-secret-of-storage"
    settings.CELERY_BROKER_URL = "redis://:pass%2Fword-of-redis@broker/0"
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "password-of-the-database")
    try:
        raise ValueError(
            "the-key-of-the-cluster the-secret-of-storage pass/word-of-redis pass%2Fword-of-redis "
            f"password-of-the-database {settings.SECRET_KEY}"
        )
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), (type(error), error, None))
    told = RedactingFormatter("%(message)s").format(record)
    assert told.strip().endswith("ValueError: " + " ".join(["[redacted]"] * 6))


def test_a_token_says_what_it_is(alice: User) -> None:
    row, secret = services.token_create(user=alice, name="laptop")
    assert secret.startswith("lora_")
    assert redact(f"{secret!r} {row!r}") == f"'lora_[redacted]' {row!r}"
    assert callbacks.token(uuid.uuid4(), 1).startswith("callback_")


def test_runs_under_way_survive_a_new_secret_key(settings: Any) -> None:
    job_id, former = uuid.uuid4(), settings.SECRET_KEY
    token = callbacks.token(job_id, 1)
    settings.SECRET_KEY = "another-" + "y" * 60
    assert not callbacks.is_genuine(job_id, 1, token)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert callbacks.is_genuine(job_id, 1, token)
    assert callbacks.is_genuine(job_id, 1, token.removeprefix("callback_"))
    assert callbacks.token(job_id, 1) != token


def test_receivers_of_webhooks_can_follow_a_new_secret_key_in_their_time(alice: User, settings: Any) -> None:
    endpoint = WebhookEndpoint(owner=alice, url="https://example.com", secret_salt="salt")
    (former,) = compose.secrets(endpoint, now=timezone.now())
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-" + "y" * 60
    newest, *others = compose.secrets(endpoint, now=timezone.now())
    assert newest != former
    assert others == [former]
