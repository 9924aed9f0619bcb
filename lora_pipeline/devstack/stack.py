"""What belongs together: one environment for all processes, and the programs that run in it.

DATABASE_URL, REDIS_URL, S3_ENDPOINT_URL and GPU_CLUSTER_API_URL, where set outside, each take the place of the
embedded part, which is then not started.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lora_pipeline.devstack import broker, control_plane, node, storage
from lora_pipeline.devstack.addresses import Addresses
from lora_pipeline.devstack.places import ROOT, Places
from lora_pipeline.devstack.programs import Program
from lora_pipeline.devstack.storage import S3Server

BUCKETS = {
    "lora-datasets": "S3_BUCKET_LORA_DATASETS",
    "training-files": "S3_BUCKET_TRAINING_FILES",
    "lora-models": "S3_BUCKET_LORA_MODELS",
}
# One of each type on the price list, so that the pages have something to choose from.
SIMULATED_GPUS = ("H100-80GB:8", "A100-80GB:8", "A100-40GB:8", "V100-32GB:8")
# One job at a time trains on the processor, where every machine has it.
TRAINING_GPUS = ("CPU:1",)
# They would change what our programs do without anyone having asked for it.
_NOT_INHERITED = {
    "PYTHONPATH", "PYTHONHOME", "DJANGO_SETTINGS_MODULE", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "CELERY_BROKER_URL",
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How the stack is to run: the node's API level, the pace of simulated training (None: real training) and
    the tick's interval."""

    level: int
    speed: float | None
    poll_seconds: int

    @property
    def node_name(self) -> str:
        """Which of the embedded nodes runs; each has its own jobs and its own state."""
        return "gpu-node" if self.speed is None else f"gpu-node-level-{self.level}"


@dataclass(frozen=True)
class Stack:
    """Everything that runs, in the order of its start, and how it is reached."""

    base_url: str
    settings: Mapping[str, str]
    s3: S3Server
    buckets: Mapping[str, str]
    cluster_url: str
    cluster_key: str
    cluster_name: str
    trains_here: bool
    servers: tuple[Program, ...]
    preparation: Program
    control_plane: tuple[Program, ...]
    beat: Program
    users_file: Path


def compose(places: Places, options: Options, addresses: Addresses, outside: Mapping[str, str]) -> Stack:
    """The stack for `places`, given the environment that the supervisor was started in."""
    secrets = places.secrets()
    base_url = f"http://127.0.0.1:{addresses.web}"
    buckets = {name: outside.get(variable) or name for name, variable in BUCKETS.items()}
    servers: list[Program] = []

    broker_url = outside.get("REDIS_URL", "")
    if not broker_url:
        broker_url = broker.url(addresses.broker)
        servers.append(broker.program(port=addresses.broker, folder=places.data / "broker"))

    if outside.get("S3_ENDPOINT_URL"):
        s3 = S3Server(
            outside["S3_ENDPOINT_URL"],
            outside.get("S3_ACCESS_KEY_ID") or None,
            outside.get("S3_SECRET_ACCESS_KEY") or None,
            outside.get("S3_REGION") or "us-east-1",
        )
    else:
        s3 = storage.server(
            port=addresses.storage["s3"],
            access_key_id=secrets["s3_access_key_id"],
            secret_access_key=secrets["s3_secret_access_key"],
        )
        servers.append(
            storage.program(
                chosen=addresses.storage, folder=places.data / "storage", reached_as=s3, buckets=buckets.values()
            )
        )

    cluster_url, cluster_key = outside.get("GPU_CLUSTER_API_URL", ""), outside.get("GPU_CLUSTER_API_KEY", "")
    cluster_name = cluster_url or options.node_name
    trains_here = not cluster_url and options.speed is None
    public_url = outside.get("PUBLIC_BASE_URL", "")
    if not cluster_url:
        port = addresses.nodes[options.node_name]
        cluster_url, cluster_key = node.url(port), secrets["gpu_node_api_key"]
        public_url = public_url or base_url  # a cluster elsewhere could not reach it
        servers.append(
            node.program(
                port=port,
                folder=places.data / cluster_name,
                api_key=cluster_key,
                gpus=TRAINING_GPUS if trains_here else SIMULATED_GPUS,
                level=options.level,
                speed=options.speed,
            )
        )

    settings = {
        "DEBUG": "false",
        "SECRET_KEY": outside.get("SECRET_KEY") or secrets["secret_key"],
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CSRF_TRUSTED_ORIGINS": ",".join(origins(addresses)),
        "SECURE_SSL_REDIRECT": "false",
        "DATABASE_URL": outside.get("DATABASE_URL") or f"sqlite:///{quote(str(places.data / 'db.sqlite3'))}",
        "REDIS_URL": broker_url,
        "S3_ENDPOINT_URL": s3.endpoint_url or "",
        "S3_PUBLIC_ENDPOINT_URL": outside.get("S3_PUBLIC_ENDPOINT_URL") or s3.endpoint_url or "",
        "S3_ACCESS_KEY_ID": s3.access_key_id or "",
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key or "",
        "S3_REGION": s3.region,
        **{variable: buckets[name] for name, variable in BUCKETS.items()},
        "GPU_CLUSTER_API_URL": cluster_url,
        "GPU_CLUSTER_API_KEY": cluster_key,
        "PUBLIC_BASE_URL": public_url,
        # Everything here runs on one machine, receivers included.
        "WEBHOOK_ALLOW_PRIVATE": outside.get("WEBHOOK_ALLOW_PRIVATE") or "true",
        "POLL_INTERVAL_SECONDS": outside.get("POLL_INTERVAL_SECONDS") or str(options.poll_seconds),
        "STATIC_ROOT": str(places.data / "static"),
        "MPLCONFIGDIR": str(places.data / "matplotlib"),
        **sparing_loopback(outside),
    }
    inherited = {name: value for name, value in outside.items() if name not in _NOT_INHERITED}
    environment = {**inherited, **settings, "PYTHONUNBUFFERED": "1"}
    users_file = places.data / "users.json"
    return Stack(
        base_url=base_url,
        settings=settings,
        s3=s3,
        buckets=buckets,
        cluster_url=cluster_url,
        cluster_key=cluster_key,
        cluster_name=cluster_name,
        trains_here=trains_here,
        servers=tuple(servers),
        preparation=control_plane.preparation(environment, ROOT, users_file=users_file, trains_here=trains_here),
        control_plane=(
            control_plane.web(environment, ROOT, port=addresses.web),
            control_plane.worker(environment, ROOT, name="worker", queues="control,poll,deliver", threads=8),
            control_plane.worker(environment, ROOT, name="worker-data", queues="data", threads=2),
        ),
        beat=control_plane.beat(environment, ROOT),
        users_file=users_file,
    )


def origins(addresses: Addresses) -> tuple[str, ...]:
    """The web pages' origins, as browsers name them."""
    return (f"http://127.0.0.1:{addresses.web}", f"http://localhost:{addresses.web}")


def sparing_loopback(outside: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY in both spellings, so that a company's proxy is not asked for our own addresses."""
    known = outside.get("NO_PROXY") or outside.get("no_proxy") or ""
    hosts = [*filter(None, known.split(",")), *(host for host in ("127.0.0.1", "localhost") if host not in known)]
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(hosts))


def as_shell(settings: Mapping[str, str]) -> str:
    """The settings as lines that a shell can source."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
