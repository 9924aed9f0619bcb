"""boto3 clients made from the settings: one for our own calls, one that only signs URLs.

Signed URLs carry S3_PUBLIC_ENDPOINT_URL, the address under which browsers and GPU nodes reach the store;
our own calls use S3_ENDPOINT_URL, which may be internal.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from django.conf import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 20
ATTEMPTS = 3


def internal_client() -> "S3Client":
    """The client for our own calls. Thread-safe, shared, with bounded time-outs and retries."""
    return _client(settings.S3_ENDPOINT_URL, *_identity())


def public_client() -> "S3Client":
    """The client that signs URLs for others. It never makes a call."""
    return _client(settings.S3_PUBLIC_ENDPOINT_URL, *_identity())


def _identity() -> tuple[str | None, str | None, str]:
    return settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY, settings.S3_REGION


@lru_cache(maxsize=8)
def _client(endpoint: str | None, key_id: str | None, secret: str | None, region: str) -> "S3Client":
    # A session of its own: the default one is shared and not thread-safe.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            # Own stores rarely have a DNS name per bucket; AWS wants one.
            s3={"addressing_style": "path" if endpoint else "virtual"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # Many stores do not know the newer checksum headers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
