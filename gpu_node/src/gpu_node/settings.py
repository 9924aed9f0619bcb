"""Options of the command line, each also an environment variable, checked before anything starts."""

import argparse
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gpu_node.gpus import CPU, Nvml

Level = Literal[1, 2]


@dataclass(frozen=True)
class Settings:
    """How one node is run. `gpus`: type -> count; `devices`: type -> UUIDs of its GPUs, none for a CPU or a
    simulated type; `port` 0 takes a free one."""

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
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trainer: Path = Path("trainer")
    trainer_env: Path = Path("trainer-env")
    models: Path = Path("models")
    min_free_gb: float = 2.0
    max_run_gb: float = 50.0
    keep_days: float = 7.0
    leave_s: float = 8.0
    keep_children: bool = False


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Settings from arguments, else environment, else defaults; ends the process with a clear message."""
    parser = _parser(environ)
    given = parser.parse_args(arguments)
    api_key = environ.get("GPU_NODE_API_KEY", "")
    if not api_key.strip():
        parser.error("set GPU_NODE_API_KEY to the key that the control plane will send")
    if not given.state_dir:
        parser.error("give --state-dir DIR (or GPU_NODE_STATE_DIR): where jobs outlive the process")
    if given.faults and not given.simulated:
        parser.error("--faults needs --simulated: a real run is not made to fail on purpose")
    try:
        gpus, devices = offer(given.gpu, simulated=given.simulated)
    except ValueError as error:
        parser.error(f"--gpu: {error}")
    trainer = Path(given.trainer) if given.trainer else find_trainer()
    if not given.simulated and not (trainer / "src" / "lora_trainer").is_dir():
        parser.error(
            f"--trainer: {trainer} is not the trainer's folder (with install.py and src/lora_trainer)"
        )
    state_dir = Path(given.state_dir)
    if not math.isfinite(given.speed) or given.speed <= 0:
        parser.error(f"--speed: must be a number above 0, not {given.speed}")
    if not 0 <= given.port <= 65535:
        parser.error(f"--port: must be 0 to 65535, not {given.port}")
    return Settings(
        api_key=api_key,
        state_dir=state_dir,
        gpus=gpus,
        devices=devices,
        trainer=trainer.resolve(),
        trainer_env=Path(given.trainer_env or state_dir / "trainer").absolute(),
        models=Path(given.models or state_dir / "models").absolute(),
        min_free_gb=given.min_free_gb,
        max_run_gb=given.max_run_gb,
        keep_days=given.keep_days,
        leave_s=given.leave_grace,
        keep_children=given.keep_children,
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


def offer(entries: Sequence[str], *, simulated: bool) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """What the node offers (type -> count) and the GPUs behind it (type -> UUIDs).

    Without entries: the machine's GPUs, else one CPU. Entries may give the machine's GPUs other names; a type
    of their own name is taken first. Raises ValueError when there are fewer GPUs than are offered.
    """
    gpus = read_gpus(entries)
    if gpus and simulated:
        return gpus, {}
    found = Nvml().gpus()
    if not gpus:
        gpus = dict(Counter(gpu.type for gpu in found)) or {CPU: 1}
    devices: dict[str, tuple[str, ...]] = {}
    for gpu_type in sorted(gpus.keys() - {CPU}, key=lambda each: all(gpu.type != each for gpu in found)):
        own = [gpu for gpu in found if gpu.type == gpu_type] or found
        taken = own[: gpus[gpu_type]]
        if len(taken) < gpus[gpu_type]:
            raise ValueError(
                f"{gpu_type}:{gpus[gpu_type]} is more than the {len(taken)} free GPUs that NVML finds here. "
                "Without a GPU offer CPU:1; with one, install nvidia-ml-py and the NVIDIA driver"
            )
        devices[gpu_type] = tuple(gpu.uuid for gpu in taken)
        found = [gpu for gpu in found if gpu not in taken]
    return gpus, devices


def find_trainer() -> Path:
    """The trainer's folder beside this distribution's own, as in a checkout."""
    return Path(__file__).resolve().parents[3] / "trainer"


def _amount(text: str) -> float:
    amount = float(text)
    if not math.isfinite(amount) or amount < 0:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, not {text}")
    return amount


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
        "--trainer", default=default("TRAINER", ""), help="the trainer's folder (default: beside gpu_node's)"
    )
    parser.add_argument(
        "--trainer-env", default=default("TRAINER_ENV", ""), help="its environment (default: in the state)"
    )
    parser.add_argument("--models", default=default("MODELS", ""), help="base models (default: in the state)")
    amounts = (
        ("--min-free-gb", "MIN_FREE_GB", "2", "a run starts only with so much disk left"),
        ("--max-run-gb", "MAX_RUN_GB", "50", "a run whose folder grows larger is stopped"),
        ("--keep-days", "KEEP_DAYS", "7", "how long data and checkpoints stay after a run's end"),
        ("--leave-grace", "LEAVE_GRACE", "8", "seconds for checkpoints when the node is stopped"),
    )
    for name, variable, fallback, meaning in amounts:
        parser.add_argument(name, type=_amount, default=default(variable, fallback), help=meaning)
    parser.add_argument(
        "--keep-children",
        action="store_true",
        default=flag("KEEP_CHILDREN"),
        help="leave runs going when the node is stopped; the next start finds them",
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default=default("LOG_LEVEL", "info")
    )
    return parser
