"""The embedded GPU cluster: `gpu_node`, run in its own environment, which the repository's root is no part of.

One that trains makes the trainer's environment and fetches base models when a job first needs them; both lie in
`.local/` for all stacks of this checkout, and a `--reset` keeps them.
"""

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
TRAINER = ROOT / ".local" / "trainer"
MODELS = ROOT / ".local" / "models"

# What a training node's children need to know: where packages and models come from, and the way there.
_INHERITED = {
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
}
_INHERITED_PREFIXES = ("PIP_", "HF_", "XDG_", "CUDA_", "NVIDIA_", "OMP_")


def program(
    *, port: int, folder: Path, api_key: str, gpus: Iterable[str], level: int, speed: float | None, faults: bool = False
) -> Program:
    """A node on `port` that offers `gpus` ("TYPE:COUNT").

    It simulates them at `speed` times the usual pace; without a speed it trains.
    """
    options = [part for gpu in gpus for part in ("--gpu", gpu)] + (["--faults"] if faults else [])
    if speed is None:
        options += ["--trainer", str(ROOT / "trainer"), "--trainer-env", str(TRAINER), "--models", str(MODELS)]
    else:
        options += ["--simulated", "--speed", str(speed)]
    return Program(
        name="gpu-node",
        command=(
            str(PYTHON),
            *("-m", "gpu_node", "--host", ports.HOST, "--port", str(port), "--state-dir", str(folder)),
            *("--level", str(level), *options),
        ),
        environment={
            **{name: value for name, value in os.environ.items() if _is_inherited(name)},
            "PYTHONPATH": str(ROOT / "gpu_node" / "src"),
            "PYTHONUNBUFFERED": "1",
            "GPU_NODE_API_KEY": api_key,
        },
        folder=folder,
        is_ready=lambda: _is_ready(port),
        stop_rank=2,
        stop_seconds=5 if speed is not None else 15,  # its trainers save a checkpoint first
        children=str(folder / "runs"),
    )


def url(port: int) -> str:
    """GPU_CLUSTER_API_URL of the node on `port`."""
    return f"http://{ports.HOST}:{port}"


def _is_inherited(name: str) -> bool:
    return name in _INHERITED or name.startswith(_INHERITED_PREFIXES) or name.lower().endswith("_proxy")


def _is_ready(port: int) -> bool:
    """True once HTTP is answered, if only to refuse a caller without key."""
    with contextlib.suppress(OSError):
        try:
            urllib.request.urlopen(f"{url(port)}/training/status/none", timeout=1)  # noqa: S310 - our own http address
        except urllib.error.HTTPError as error:
            return error.code < 500
    return False
