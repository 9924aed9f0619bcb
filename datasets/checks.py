"""System checks of the storage settings: a wrong value is reported at start, by the name that mends it."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from accounts.addresses import is_base
from datasets.storage.buckets import LOGICAL_NAMES
from datasets.storage.signing import MAX_TTL_S

MAX_SINGLE_UPLOAD = 5 * 1024**3  # S3's limit for one PUT
SHORT_TTL_S = 60


def storage_is_usable(**_: Any) -> list[CheckMessage]:
    """Buckets are named and different, addresses are addresses, keys come in pairs, limits can be kept."""
    return [*_buckets(), *_endpoints(), *_keys(), *_limits()]


def _buckets() -> Iterator[CheckMessage]:
    for logical in LOGICAL_NAMES:
        if not settings.S3_BUCKETS.get(logical):
            variable = "S3_BUCKET_" + logical.upper().replace("-", "_")
            yield Error(f"No bucket is named for {logical}.", hint=f"Set {variable}.", id="datasets.E001")
    named = [settings.S3_BUCKETS.get(logical) for logical in LOGICAL_NAMES]
    if all(named) and len(set(named)) < len(named):
        yield Error(
            "Two of the three buckets are the same: what users upload, import and train must stay apart.",
            hint="Give S3_BUCKET_LORA_DATASETS, S3_BUCKET_TRAINING_FILES and S3_BUCKET_LORA_MODELS own names.",
            id="datasets.E002",
        )


def _endpoints() -> Iterator[CheckMessage]:
    for variable in ("S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL"):
        value = getattr(settings, variable)
        if value and not is_base(value.removesuffix("/")):  # boto3 and browsers do not mind the slash
            yield Error(
                f"{variable} is not http(s)://host[:port] without path, user or query.",
                hint=f"Set {variable} to an address such as https://s3.example.com, or leave it out for AWS.",
                id="datasets.E003",
            )
    if settings.S3_PUBLIC_ENDPOINT_URL and not settings.S3_ENDPOINT_URL:
        yield Warning(
            "S3_PUBLIC_ENDPOINT_URL is set but S3_ENDPOINT_URL is not: our own calls go to AWS.",
            hint="Set S3_ENDPOINT_URL too, unless that is meant.",
            id="datasets.W001",
        )


def _keys() -> Iterator[CheckMessage]:
    if bool(settings.S3_ACCESS_KEY_ID) != bool(settings.S3_SECRET_ACCESS_KEY):
        yield Error(
            "Only one of S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY is set.",
            hint="Set both, or neither to use boto3's own chain (profile, instance role).",
            id="datasets.E004",
        )


def _limits() -> Iterator[CheckMessage]:
    if not 1 <= settings.SIGNED_URL_TTL_SECONDS <= MAX_TTL_S:
        yield Error(
            f"SIGNED_URL_TTL_SECONDS is {settings.SIGNED_URL_TTL_SECONDS}, outside 1 to {MAX_TTL_S} (7 days).",
            hint="3600 is usual.",
            id="datasets.E005",
        )
    elif settings.SIGNED_URL_TTL_SECONDS < SHORT_TTL_S:
        yield Warning(
            f"SIGNED_URL_TTL_SECONDS is {settings.SIGNED_URL_TTL_SECONDS}: uploads and clusters will be too late.",
            hint="3600 is usual.",
            id="datasets.W002",
        )
    if not 1 <= settings.UPLOAD_MAX_BYTES <= MAX_SINGLE_UPLOAD:
        yield Error(
            f"UPLOAD_MAX_BYTES is {settings.UPLOAD_MAX_BYTES}, outside 1 to {MAX_SINGLE_UPLOAD} (one PUT on S3).",
            hint="Import larger files from training-files.",
            id="datasets.E006",
        )
