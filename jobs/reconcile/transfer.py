"""One file on its way home: counted, hashed and compared in bounded memory, under a lease that lives as long."""

import io
from collections.abc import Iterable, Iterator
from typing import TypedDict

from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import lifecycle
from jobs.clusters.base import ArtifactFile
from jobs.reconcile.streams import HashingReader, TooLarge

__all__ = ["LEASE_SECONDS", "Damaged", "Stored", "TooLarge", "copied", "verified"]

BUFFER_BYTES = 1024**2
# Longer than storage may stay silent; renewed while bytes flow, however long a large adapter takes.
LEASE_SECONDS = 180.0
RENEW_EVERY_SECONDS = 30.0


class Damaged(Exception):
    """The bytes are not the ones that were announced."""


class Stored(TypedDict):
    """A file in storage, as the artifact's row lists it."""

    path: str
    size: int
    sha256: str


def verified(lease: lifecycle.Lease, file: ArtifactFile, pieces: Iterable[bytes], *, limit: int) -> Stored:
    """Compare a file that the cluster uploaded itself, read back as `pieces`. Raises Damaged, TooLarge, LeaseLost."""
    reader = HashingReader(_kept(lease, pieces), limit=limit)
    with io.BufferedReader(reader, BUFFER_BYTES) as stream:
        while stream.read(BUFFER_BYTES):
            pass
    return _checked(reader, file)


def copied(
    lease: lifecycle.Lease,
    file: ArtifactFile,
    pieces: Iterable[bytes],
    *,
    to: ObjectStore,
    bucket: str,
    path: str,
    limit: int,
) -> Stored:
    """Store a file that the cluster offers as `pieces`. Raises Damaged, TooLarge, LeaseLost, StorageError."""
    reader = HashingReader(_kept(lease, pieces), limit=limit)
    with io.BufferedReader(reader, BUFFER_BYTES) as stream:
        to.put(bucket=bucket, path=path, body=stream)
    return _checked(reader, file)


def _kept(lease: lifecycle.Lease, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, with the lease renewed from time to time while they pass."""
    renewed_at = None
    for piece in pieces:
        now = timezone.now()
        if renewed_at is None or (now - renewed_at).total_seconds() >= RENEW_EVERY_SECONDS:
            lifecycle.renew(lease, now=now, seconds=LEASE_SECONDS)
            renewed_at = now
        yield piece


def _checked(reader: HashingReader, file: ArtifactFile) -> Stored:
    if (file.size is not None and reader.size != file.size) or (file.sha256 and reader.sha256 != file.sha256):
        raise Damaged(f"The file {file.path} arrived damaged; fetching it again.")
    return Stored(path=file.path, size=reader.size, sha256=reader.sha256)
