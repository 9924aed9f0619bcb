"""An ObjectStore on S3 and everything that speaks its protocol."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING, NoReturn, TypedDict, cast

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from datasets.storage.base import (
    Folder,
    InvalidCursor,
    ObjectChanged,
    ObjectInfo,
    ObjectMissing,
    ObjectPage,
    Part,
    StorageDenied,
    StorageUnavailable,
    UploadGone,
)
from datasets.storage.keys import clean_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_DENIED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"})

# One part at a time: a worker's memory stays bounded whatever the file's size.
_TRANSFER = TransferConfig(multipart_chunksize=16 * 1024 * 1024, use_threads=False)


class _GoingOn(TypedDict, total=False):
    ContinuationToken: str


class _Only(TypedDict, total=False):
    IfMatch: str
    Range: str


class _FullReads:
    """Reads exactly what is asked for: boto3 takes a short read, as sockets give them, for the end of the file."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        pieces, missing = [], size
        while piece := self._body.read(missing):
            pieces.append(piece)
            missing -= len(piece) if size >= 0 else 0
            if missing == 0:
                break
        return b"".join(pieces)


class S3Store:
    """See `base.ObjectStore`. `real_name` maps a logical bucket to the one at the store."""

    def __init__(self, client: "S3Client", real_name: Callable[[str], str]) -> None:
        self._client = client
        self._real_name = real_name

    def head(self, *, bucket: str, path: str) -> ObjectInfo:
        with self._failures(bucket, path):
            answer = self._client.head_object(Bucket=self._real_name(bucket), Key=clean_key(path))
        return ObjectInfo(path, answer["ContentLength"], answer["ETag"], answer["LastModified"])

    def stream(
        self, *, bucket: str, path: str, etag: str = "", start: int = 0, chunk_bytes: int = 1024 * 1024
    ) -> Generator[bytes, None, None]:
        only: _Only = {}
        if etag:
            only["IfMatch"] = etag
        if start:
            only["Range"] = f"bytes={start}-"
        with self._failures(bucket, path):
            answer = self._client.get_object(Bucket=self._real_name(bucket), Key=clean_key(path), **only)
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(chunk_bytes)

    def put(
        self, *, bucket: str, path: str, body: IO[bytes], content_type: str = "application/octet-stream"
    ) -> ObjectInfo:
        with self._failures(bucket, path):
            self._client.upload_fileobj(
                cast("IO[bytes]", _FullReads(body)),
                self._real_name(bucket),
                clean_key(path),
                ExtraArgs={"ContentType": content_type},
                Config=_TRANSFER,
            )
        return self.head(bucket=bucket, path=path)

    def copy(self, *, source_bucket: str, source_path: str, bucket: str, path: str) -> ObjectInfo:
        with self._failures(source_bucket, source_path):
            self._client.copy(
                {"Bucket": self._real_name(source_bucket), "Key": clean_key(source_path)},
                self._real_name(bucket),
                clean_key(path),
                Config=_TRANSFER,
            )
        return self.head(bucket=bucket, path=path)

    def delete(self, *, bucket: str, path: str) -> None:
        with self._failures(bucket, path):
            self._client.delete_object(Bucket=self._real_name(bucket), Key=clean_key(path))

    def list(self, *, bucket: str, prefix: str, after: str = "", limit: int = 100) -> ObjectPage:
        with self._failures(bucket, prefix):
            answer = self._client.list_objects_v2(
                Bucket=self._real_name(bucket), Prefix=prefix, StartAfter=after, MaxKeys=limit
            )
        objects = tuple(_info(found) for found in answer.get("Contents", []))
        return ObjectPage(objects, objects[-1].path if objects and answer["IsTruncated"] else None)

    def browse(self, *, bucket: str, folder: str, cursor: str = "", limit: int = 100) -> Folder:
        going_on: _GoingOn = {"ContinuationToken": cursor} if cursor else {}
        with self._failures(bucket, folder):
            answer = self._client.list_objects_v2(
                Bucket=self._real_name(bucket), Prefix=folder, Delimiter="/", MaxKeys=limit, **going_on
            )
        folders = tuple(found["Prefix"] for found in answer.get("CommonPrefixes", []))
        objects = tuple(_info(found) for found in answer.get("Contents", []))
        return Folder(folders, objects, answer.get("NextContinuationToken") if answer["IsTruncated"] else None)

    def begin_parts(self, *, bucket: str, path: str, content_type: str) -> str:
        with self._failures(bucket, path):
            answer = self._client.create_multipart_upload(
                Bucket=self._real_name(bucket), Key=clean_key(path), ContentType=content_type
            )
        return answer["UploadId"]

    def list_parts(self, *, bucket: str, path: str, upload_id: str) -> tuple[Part, ...]:
        with self._failures(bucket, path):
            pages = self._client.get_paginator("list_parts").paginate(
                Bucket=self._real_name(bucket), Key=clean_key(path), UploadId=upload_id
            )
            found = [part for page in pages for part in page.get("Parts", [])]
        return tuple(Part(part["PartNumber"], part["Size"], part["ETag"]) for part in found)

    def join_parts(self, *, bucket: str, path: str, upload_id: str, parts: tuple[Part, ...]) -> None:
        with self._failures(bucket, path):
            self._client.complete_multipart_upload(
                Bucket=self._real_name(bucket),
                Key=clean_key(path),
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]},
            )

    def drop_parts(self, *, bucket: str, path: str, upload_id: str) -> None:
        with suppress(UploadGone), self._failures(bucket, path):
            self._client.abort_multipart_upload(Bucket=self._real_name(bucket), Key=clean_key(path), UploadId=upload_id)

    def unfinished(self, *, bucket: str, path: str) -> tuple[str, ...]:
        with self._failures(bucket, path):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._real_name(bucket), Prefix=clean_key(path)
            )
            found = [upload for page in pages for upload in page.get("Uploads", [])]
        return tuple(upload["UploadId"] for upload in found if upload["Key"] == path)

    def ping(self, *, bucket: str) -> None:
        with self._failures(bucket, ""):
            self._client.list_objects_v2(Bucket=self._real_name(bucket), MaxKeys=1)

    @contextmanager
    def _failures(self, bucket: str, path: str) -> Iterator[None]:
        """Turn whatever boto3 raises into a StorageError that names the logical bucket, never a key or URL."""
        try:
            yield
        except ClientError as error:
            self._raise_for(error, bucket, path)
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise StorageDenied(
                "There are no credentials for the storage: the operator must set S3_ACCESS_KEY_ID and "
                "S3_SECRET_ACCESS_KEY."
            ) from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            raise StorageUnavailable(
                f"The storage does not answer (bucket {bucket}, {type(error).__name__})."
            ) from error

    def _raise_for(self, error: ClientError, bucket: str, path: str) -> NoReturn:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "InvalidArgument" and error.operation_name == "ListObjectsV2":
            raise InvalidCursor("The listing cannot go on from there. Begin it again.") from error
        if code == "NoSuchUpload":
            raise UploadGone(f"There is no unfinished upload to {path} in {bucket}.") from error
        if code == "NoSuchBucket" or (status == 404 and not self._bucket_exists(bucket)):
            raise StorageDenied(
                f"The bucket behind {bucket} does not exist: the operator must create it, or name the right "
                f"one in {_variable(bucket)}."
            ) from error
        if status == 404:
            raise ObjectMissing(f"There is no file {path} in {bucket}.") from error
        if status == 412:
            raise ObjectChanged(f"The file {path} in {bucket} has changed.") from error
        if status in (401, 403) or code in _DENIED:
            raise StorageDenied(
                f"The storage refuses our key for {bucket} ({code or status}): the operator must check its "
                "access keys and permissions."
            ) from error
        raise StorageUnavailable(f"The storage answered with an error (bucket {bucket}, {code or status}).") from error

    def _bucket_exists(self, bucket: str) -> bool:
        """Asked after a 404, which on HEAD does not say whether the object or its bucket is missing."""
        try:
            self._client.head_bucket(Bucket=self._real_name(bucket))
        except ClientError as error:
            return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404
        return True


def _info(found: "ObjectTypeDef") -> ObjectInfo:
    return ObjectInfo(found["Key"], found["Size"], found["ETag"], found["LastModified"])


def _variable(bucket: str) -> str:
    return "S3_BUCKET_" + bucket.upper().replace("-", "_")
