"""Options of the command line, each also an environment variable, checked before anything starts."""

import argparse
import math
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Level = Literal[1, 2]


@dataclass(frozen=True)
class Settings:
    """How one node is run. `gpus`: type -> count; `port` 0 takes a free one."""

    api_key: str = field(repr=False)
    state_dir: Path
    gpus: Mapping[str, int]
    host: str = "127.0.0.1"
    port: int = 0
    level: Level = 2
    simulated: bool = False
    speed: float = 1.0
    faults: bool = False
    public_url: str | None = None
    upload_patience_s: float = 120.0
    log_level: str = "info"


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings from arguments, else environment, else defaults; ends the process with a clear message."""
    parser = _parser(environ)
    given = parser.parse_args(arguments)
    api_key = environ.get("GPU_NODE_API_KEY", "")
    if not api_key.strip():
        parser.error("set GPU_NODE_API_KEY to the key that the control plane will send")
    if not given.state_dir:
        parser.error("give --state-dir DIR (or GPU_NODE_STATE_DIR): where jobs outlive the process")
    if not given.simulated:
        parser.error(
            "this version only has simulated runs: start it with --simulated (or GPU_NODE_SIMULATED=1)"
        )
    try:
        gpus = read_gpus(given.gpu) if given.gpu else detect_gpus()
    except ValueError as error:
        parser.error(f"--gpu: {error}")
    if not math.isfinite(given.speed) or given.speed <= 0:
        parser.error(f"--speed: must be a number above 0, not {given.speed}")
    if not 0 <= given.port <= 65535:
        parser.error(f"--port: must be 0 to 65535, not {given.port}")
    return Settings(
        api_key=api_key,
        state_dir=Path(given.state_dir),
        gpus=gpus,
        host=given.host,
        port=given.port,
        level=given.level,
        simulated=given.simulated,
        speed=given.speed,
        faults=given.faults,
        public_url=given.public_url.rstrip("/") if given.public_url else None,
        upload_patience_s=given.upload_patience,
        log_level=given.log_level,
    )


def read_gpus(entries: Sequence[str]) -> dict[str, int]:
    """`["H100-80GB:8"]` -> {"H100-80GB": 8}; raises ValueError with the entry that is wrong."""
    gpus: dict[str, int] = {}
    for entry in entries:
        name, colon, count = entry.strip().rpartition(":")
        if not colon or not name or not count.isdecimal() or int(count) < 1:
            raise ValueError(f"{entry!r} must look like TYPE:COUNT, for example H100-80GB:8")
        gpus[name] = gpus.get(name, 0) + int(count)
    return gpus


def detect_gpus() -> dict[str, int]:
    """What this machine has: its NVIDIA GPUs by name and memory, else its processor cores as type CPU."""
    program = shutil.which("nvidia-smi")
    found: dict[str, int] = {}
    if program:
        query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
        for line in answer.stdout.splitlines() if answer.returncode == 0 else []:
            name, _, mebibytes = line.rpartition(",")
            gibibytes = round(float(mebibytes) / 1024) if mebibytes.strip().isdecimal() else 0
            gpu_type = name.strip().removeprefix("NVIDIA ").replace(" ", "-") + f"-{gibibytes}GB"
            found[gpu_type] = found.get(gpu_type, 0) + 1
    return found or {"CPU": os.cpu_count() or 1}


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpu_node",
        description="This machine's GPUs behind the GPU cluster API. The key comes from GPU_NODE_API_KEY.",
        epilog="Every option is also an environment variable: --state-dir is GPU_NODE_STATE_DIR.",
    )

    def default(name: str, fallback: str) -> str:
        return environ.get(f"GPU_NODE_{name}") or fallback

    def flag(name: str) -> bool:
        return default(name, "0").lower() in {"1", "true", "yes", "on"}

    parser.add_argument("--host", default=default("HOST", "127.0.0.1"), help="address to listen on")
    parser.add_argument("--port", type=int, default=default("PORT", "0"), help="0 takes a free one (default)")
    parser.add_argument(
        "--state-dir", default=default("STATE_DIR", ""), help="where jobs outlive the process"
    )
    parser.add_argument("--level", type=int, choices=(1, 2), default=default("LEVEL", "2"), help="of the API")
    parser.add_argument(
        "--gpu",
        action="append",
        metavar="TYPE:COUNT",
        default=[entry for entry in default("GPU", "").split(",") if entry],
        help="GPUs to offer, repeatable (default: what the machine has)",
    )
    parser.add_argument("--simulated", action="store_true", default=flag("SIMULATED"), help="compute runs")
    parser.add_argument("--speed", type=float, default=default("SPEED", "1"), help="of simulated runs")
    parser.add_argument("--faults", action="store_true", default=flag("FAULTS"), help="open the fault door")
    parser.add_argument("--public-url", default=default("PUBLIC_URL", ""), help="address in download links")
    parser.add_argument(
        "--upload-patience",
        type=float,
        metavar="SECONDS",
        default=default("UPLOAD_PATIENCE", "120"),
        help="how long uploads are tried before the files are listed for download instead",
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default=default("LOG_LEVEL", "info")
    )
    return parser
