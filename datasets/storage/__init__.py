"""The object store: the only way from this project to the buckets.

base      what a store does and how it fails      keys     which paths are safe
s3        the adapter on S3's protocol            buckets  which bucket means what
clients   connections made from the settings      signing  URLs for browsers and GPU nodes
diagnose  what `manage.py doctor` asks            (jobs use this package as well)
"""

import hashlib

from datasets.storage.base import ObjectStore
from datasets.storage.buckets import real_name
from datasets.storage.clients import internal_client
from datasets.storage.s3 import S3Store


def open_store() -> ObjectStore:
    """The store that the settings name. Cheap: connections are shared by the whole process."""
    return S3Store(internal_client(), real_name)


def drop_unfinished(*, bucket: str, path: str) -> None:
    """Remove what uploads in parts to `path` have left that nobody will join; raises StorageError."""
    store = open_store()
    for upload_id in store.unfinished(bucket=bucket, path=path):
        store.drop_parts(bucket=bucket, path=path, upload_id=upload_id)


def checksum(*, bucket: str, path: str, etag: str = "") -> str:
    """SHA-256 (hex) of a stored object, read in bounded memory; raises StorageError."""
    digest = hashlib.sha256()
    for chunk in open_store().stream(bucket=bucket, path=path, etag=etag):
        digest.update(chunk)
    return digest.hexdigest()
