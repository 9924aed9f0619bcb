"""What we ask of an object store, and how it fails. No vendor and no rows here.

Buckets are named logically ("lora-datasets"); the adapter knows the real names. Paths are keys that passed
`keys.clean_key`. Every failure is a StorageError: `permanent` says whether trying again can help.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, ClassVar, Protocol

from datasets.exceptions import DatasetError, Kind


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object: `size` in bytes, `etag` exactly as the store writes it (with its quotes)."""

    path: str
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class ObjectPage:
    """Some objects in key order; `next_after` continues the listing, None at its end."""

    objects: tuple[ObjectInfo, ...]
    next_after: str | None


@dataclass(frozen=True)
class Folder:
    """What lies directly in a folder: paths of `folders` (each ends with “/”), and objects.

    `next_cursor` goes on, None at the end. It is the store's own: stores disagree on where folders are sorted.
    """

    folders: tuple[str, ...]
    objects: tuple[ObjectInfo, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Part:
    """A stored part of an upload that is not finished; `number` counts from 1, `size` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True)
class SignedUrl:
    """A URL that works without credentials until `expires_at`. It is a secret: not in its repr, not in logs."""

    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class UploadTicket:
    """How to send one file straight to storage: `method` `url` with exactly these headers, until `expires_at`.

    The signature covers the announced size and content type; the store refuses any other body.
    """

    method: str
    url: str = field(repr=False)
    headers: dict[str, str]
    expires_at: datetime


class StorageError(DatasetError):
    """Any failure of the object store."""

    code = "storage_unavailable"
    kind: ClassVar[Kind] = "unavailable"
    permanent: ClassVar[bool] = False
    advice: ClassVar[str] = ""  # ends the message for whoever asked

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} {self.advice}".rstrip())
        self.reason = reason

    @property
    def waiting(self) -> str:
        """The message for who waits while a worker tries again, and need do nothing."""
        return f"{self.reason} It is tried again by itself."


class StorageUnavailable(StorageError):
    """Not reachable, too slow, throttled, or out of order: try again later."""

    advice = "Try again in a minute."


class StorageDenied(StorageError):
    """The store refuses our key, or the bucket does not exist: the operator has to act."""

    code = "storage_denied"
    permanent = True


class ObjectMissing(StorageError):
    """There is no such object."""

    code = "object_missing"
    kind = "not_found"
    permanent = True


class ObjectChanged(StorageError):
    """The object is no longer the one with the expected ETag."""

    code = "object_changed"
    kind = "conflict"


class UploadGone(StorageError):
    """There is no such unfinished upload: it was put together, or given up."""

    code = "upload_gone"
    kind = "conflict"
    permanent = True


class InvalidCursor(StorageError):
    """The listing has no such place to go on from."""

    code = "invalid_cursor"
    kind = "invalid"
    permanent = True


class InvalidKey(StorageError):
    """A path that we never send to a store; the message says what is wrong with it."""

    code = "invalid_path"
    kind = "invalid"
    permanent = True


class ObjectStore(Protocol):
    """An object store. All methods raise StorageError and nothing else."""

    def head(self, *, bucket: str, path: str) -> ObjectInfo:
        """The object's facts; ObjectMissing if there is none."""
        ...

    def stream(
        self, *, bucket: str, path: str, etag: str = "", start: int = 0, chunk_bytes: int = 1024 * 1024
    ) -> Generator[bytes, None, None]:
        """The object's bytes from `start` on, in chunks; ObjectChanged if `etag` is given and is not the object's.

        Closing it before its end gives the connection back: only what was asked for so far is read.
        """
        ...

    def put(
        self, *, bucket: str, path: str, body: IO[bytes], content_type: str = "application/octet-stream"
    ) -> ObjectInfo:
        """Store all of `body` (seekable or not) in bounded memory and return the new object's facts."""
        ...

    def copy(self, *, source_bucket: str, source_path: str, bucket: str, path: str) -> ObjectInfo:
        """Copy inside the store, without the bytes passing through us."""
        ...

    def delete(self, *, bucket: str, path: str) -> None:
        """Remove the object; fine if it is already gone."""
        ...

    def list(self, *, bucket: str, prefix: str, after: str = "", limit: int = 100) -> ObjectPage:
        """At most `limit` objects below `prefix` whose keys sort behind `after`."""
        ...

    def browse(self, *, bucket: str, folder: str, cursor: str = "", limit: int = 100) -> Folder:
        """At most `limit` entries directly in `folder` (which ends with “/”), from `cursor` on; InvalidCursor."""
        ...

    def begin_parts(self, *, bucket: str, path: str, content_type: str) -> str:
        """Begin an upload in parts; its id. Nothing is at `path` until `join_parts`."""
        ...

    def list_parts(self, *, bucket: str, path: str, upload_id: str) -> tuple[Part, ...]:
        """The parts that have arrived, by number; UploadGone."""
        ...

    def join_parts(self, *, bucket: str, path: str, upload_id: str, parts: tuple[Part, ...]) -> None:
        """Make the object of these parts; UploadGone. Other parts are dropped."""
        ...

    def drop_parts(self, *, bucket: str, path: str, upload_id: str) -> None:
        """Give the upload up and remove its parts; fine if it is already gone."""
        ...

    def unfinished(self, *, bucket: str, path: str) -> tuple[str, ...]:
        """Ids of all uploads in parts to `path` that are neither joined nor dropped."""
        ...

    def ping(self, *, bucket: str) -> None:
        """Succeeds if the bucket exists and our key may use it."""
        ...
