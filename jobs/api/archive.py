"""All files of an adapter as one .zip, made while it is sent.

Each file comes from storage piece by piece and goes out at once, so memory stays bounded whatever the size.
Weights do not get smaller by compressing and are stored as they are; texts are compressed. A file that
is not what its row says breaks the download off: a client never takes half an archive for a whole one.
"""

import hashlib
import io
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller
from datasets.storage import open_store
from datasets.storage.base import ObjectChanged, ObjectStore
from jobs import selectors
from jobs.api.files import AnyAccepted, disposition
from jobs.exceptions import JobConflict
from jobs.models import ModelArtifact
from jobs.models.run import ArtifactStatus

if TYPE_CHECKING:
    from typing_extensions import Buffer

STORED_AS_THEY_ARE = (".safetensors", ".gguf", ".png")


class JobArtifactArchiveView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """Every file of the job's adapter in one .zip, below one folder. 404 without one, 409 while it is collected."""
        job = selectors.job_get(caller(request), job_id)
        artifact = selectors.job_artifact(job)
        if artifact.status != ArtifactStatus.READY:
            raise JobConflict("The adapter's files are not in storage yet.", details={"status": artifact.status})
        store = open_store()
        for file in artifact.files:  # what is missing is said now: later the answer has already begun
            store.head(bucket=artifact.storage_bucket, path=artifact.storage_prefix + file["path"])
        return StreamingHttpResponse(
            _zipped(store, artifact, folder=f"job-{job.short_id}-adapter"),
            content_type="application/zip",
            headers={"Content-Disposition": disposition("attachment", job, "adapter", "zip")},
        )


class _Outgoing(io.RawIOBase):
    """A file that can only be written to; what was written is taken out and sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer") -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _zipped(store: ObjectStore, artifact: ModelArtifact, *, folder: str) -> Iterator[bytes]:
    files: Sequence[Mapping[str, Any]] = artifact.files
    written_at = timezone.localtime(artifact.created_at).timetuple()[:6]
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{folder}/{file['path']}", written_at)
            is_stored = file["path"].endswith(STORED_AS_THEY_ARE)
            entry.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as target:
                for piece in _checked(store, artifact, file):
                    target.write(piece)
                    yield outgoing.take()
            yield outgoing.take()
    yield outgoing.take()


def _checked(store: ObjectStore, artifact: ModelArtifact, file: Mapping[str, Any]) -> Iterator[bytes]:
    """The file's bytes. Raises ObjectChanged behind the last one where they are not those of its SHA-256."""
    digest = hashlib.sha256()
    for piece in store.stream(bucket=artifact.storage_bucket, path=artifact.storage_prefix + file["path"]):
        digest.update(piece)
        yield piece
    if file.get("sha256") and digest.hexdigest() != file["sha256"]:
        raise ObjectChanged(f"The file {file['path']} is no longer the one that the cluster delivered.")
