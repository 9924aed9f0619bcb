"""The embedded GPU cluster: `gpu_node`, run in its own environment, which the repository's root is no part of."""

import contextlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from lora_pipeline.devstack import ports
from lora_pipeline.devstack.programs import Program

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".local" / "gpu_node" / "bin" / "python"


def program(
    *, port: int, folder: Path, api_key: str, gpus: Iterable[str], level: int, speed: float, faults: bool = False
) -> Program:
    """A node on `port` that simulates `gpus` ("TYPE:COUNT") at `speed` times the usual pace."""
    options = [part for gpu in gpus for part in ("--gpu", gpu)] + (["--faults"] if faults else [])
    return Program(
        name="gpu-node",
        command=(
            str(PYTHON),
            *("-m", "gpu_node", "--host", ports.HOST, "--port", str(port), "--state-dir", str(folder)),
            *("--level", str(level), "--simulated", "--speed", str(speed), *options),
        ),
        environment={
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT / "gpu_node" / "src"),
            "PYTHONUNBUFFERED": "1",
            "GPU_NODE_API_KEY": api_key,
        },
        folder=folder,
        is_ready=lambda: _is_ready(port),
        stop_rank=2,
        stop_seconds=5,
    )


def url(port: int) -> str:
    """GPU_CLUSTER_API_URL of the node on `port`."""
    return f"http://{ports.HOST}:{port}"


def _is_ready(port: int) -> bool:
    """True once HTTP is answered, if only to refuse a caller without key."""
    with contextlib.suppress(OSError):
        try:
            urllib.request.urlopen(f"{url(port)}/training/status/none", timeout=1)  # noqa: S310 - our own http address
        except urllib.error.HTTPError as error:
            return error.code < 500
    return False
