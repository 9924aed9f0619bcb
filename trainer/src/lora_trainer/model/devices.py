"""The device of this process, its number format and threads."""

import os
from dataclasses import dataclass
from typing import Any, Literal

import torch

from lora_trainer.errors import SettingsInvalid
from lora_trainer.launch import Place

GIB = 1024**3


@dataclass(frozen=True)
class Device:
    """`dtype` is that of the base model's weights and of the arithmetic; LoRA's own weights are float32."""

    kind: Literal["cpu", "cuda"]
    index: int
    count: int
    dtype: Any

    @property
    def name(self) -> str:
        """For people: "2 x NVIDIA A100", "CPU"."""
        if self.kind == "cpu":
            return "CPU" if self.count == 1 else f"{self.count} x CPU"
        name = str(torch.cuda.get_device_name(self.index))
        return name if self.count == 1 else f"{self.count} x {name}"

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def peak_memory(self) -> int | None:
        """Bytes that this process held at most on its GPU so far; None on the CPU."""
        return None if self.kind == "cpu" else int(torch.cuda.max_memory_reserved(self.index))

    def utilization(self) -> float | None:
        """Percent of the last moments in which the GPU was busy, where the driver tells."""
        if self.kind == "cpu":
            return None
        try:
            return float(torch.cuda.utilization(self.index))
        except (RuntimeError, ModuleNotFoundError):
            return None


def choose_device(kind: Literal["cpu", "cuda"], place: Place) -> Device:
    """bfloat16 on the CPU and on GPUs that have it, else float16. Raises SettingsInvalid without the GPUs."""
    if kind == "cpu":
        torch.set_num_threads(_threads(place.count))
        return Device("cpu", 0, place.count, torch.bfloat16)
    found = torch.cuda.device_count()
    if found < place.count:
        raise SettingsInvalid(f"The job asks for {place.count} CUDA GPUs; this machine shows {found}.")
    torch.cuda.set_device(place.rank)
    has_bf16 = torch.cuda.get_device_capability(place.rank) >= (8, 0)
    return Device("cuda", place.rank, place.count, torch.bfloat16 if has_bf16 else torch.float16)


def require_quantization(kind: str, quantization: str) -> None:
    """Raises SettingsInvalid where the machine cannot do it."""
    if quantization == "none":
        return
    if kind != "cuda" or not torch.cuda.is_available():
        raise SettingsInvalid("quantization nf4 needs a CUDA GPU; choose none for training on a CPU.")
    if not has_bitsandbytes():
        raise SettingsInvalid("quantization nf4 needs the package bitsandbytes in the trainer's environment.")


def has_bitsandbytes() -> bool:
    try:
        import bitsandbytes  # noqa: F401  # its import is the test
    except Exception:
        return False
    return True


def _threads(processes: int) -> int:
    """The cores that this process may use; OMP_NUM_THREADS has the last word."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(wished) if wished.isdecimal() and int(wished) else max(1, cores // processes)
