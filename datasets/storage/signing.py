"""Signed URLs: what lets a browser or a GPU node move one object without having our keys.

Signing is local arithmetic; nothing is called. A signed URL is a secret until it expires: it is returned to
the one who needs it and never logged.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from botocore.exceptions import NoCredentialsError, PartialCredentialsError
from django.conf import settings
from django.utils.http import content_disposition_header

from datasets.storage.base import SignedUrl, StorageDenied, UploadTicket
from datasets.storage.buckets import real_name
from datasets.storage.clients import public_client
from datasets.storage.keys import clean_key

MAX_TTL_S = 7 * 24 * 3600  # the longest that signature version 4 allows


def sign_download(*, bucket: str, path: str, expires_s: int | None = None, as_attachment: bool = False) -> SignedUrl:
    """A GET URL for one object of a logical bucket, valid `expires_s` (default SIGNED_URL_TTL_SECONDS).

    `as_attachment` makes browsers save the object under its own name instead of showing it. Whether the object
    exists is not checked. Raises InvalidKey, StorageDenied (no keys configured).
    """
    ttl = _ttl(expires_s)
    params = {"Bucket": real_name(bucket), "Key": clean_key(path)}
    if as_attachment:
        file_name = path.rsplit("/", 1)[-1]
        params["ResponseContentDisposition"] = content_disposition_header(True, file_name) or "attachment"
    return SignedUrl(_presign("get_object", params, ttl), _expiry(ttl))


def sign_upload(*, bucket: str, path: str, size: int, content_type: str, expires_s: int | None = None) -> UploadTicket:
    """A PUT URL for one object of exactly `size` bytes and this content type; raises like `sign_download`.

    The store refuses another size or type, since both are under the signature. Clients need not send the
    length themselves: HTTP libraries and browsers do.
    """
    ttl = _ttl(expires_s)
    params = {
        "Bucket": real_name(bucket),
        "Key": clean_key(path),
        "ContentLength": size,
        "ContentType": content_type,
    }
    url = _presign("put_object", params, ttl)
    return UploadTicket("PUT", url, {"Content-Type": content_type}, _expiry(ttl))


def sign_part(*, bucket: str, path: str, upload_id: str, number: int, size: int) -> UploadTicket:
    """A PUT URL for part `number` (from 1) of exactly `size` bytes of an unfinished upload; raises like the others."""
    ttl = _ttl(None)
    params = {
        "Bucket": real_name(bucket),
        "Key": clean_key(path),
        "UploadId": upload_id,
        "PartNumber": number,
        "ContentLength": size,
    }
    return UploadTicket("PUT", _presign("upload_part", params, ttl), {}, _expiry(ttl))


def public_origin(bucket: str) -> str:
    """scheme://host[:port] under which browsers reach a logical bucket; a page's policy has to allow it."""
    parts = urlsplit(sign_download(bucket=bucket, path="origin").url)
    return f"{parts.scheme}://{parts.netloc}"


def _ttl(expires_s: int | None) -> int:
    ttl = settings.SIGNED_URL_TTL_SECONDS if expires_s is None else expires_s
    if not 1 <= ttl <= MAX_TTL_S:
        raise ValueError(f"A signed URL can live 1 to {MAX_TTL_S} seconds, not {ttl}")
    return int(ttl)


def _expiry(ttl: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=ttl)


def _presign(operation: str, params: Mapping[str, object], ttl: int) -> str:
    try:
        return public_client().generate_presigned_url(operation, Params=dict(params), ExpiresIn=ttl)
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StorageDenied(
            "There are no credentials to sign with: the operator must set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY."
        ) from error
