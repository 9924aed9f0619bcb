"""The NVIDIA GPUs of this machine by NVML: which there are, how busy they are. No NVML, no GPUs."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

GIB = 1 << 30
CPU = "CPU"


@dataclass(frozen=True)
class Gpu:
    """One GPU: its UUID, which CUDA_VISIBLE_DEVICES takes, and its type by name and memory."""

    uuid: str
    type: str


@dataclass(frozen=True)
class Figures:
    """How busy some GPUs are: mean utilization in percent, the fullest one's used memory in GiB."""

    utilization: float
    memory: float


class Gauge(Protocol):
    """Reads how busy GPUs are."""

    def read(self, uuids: Sequence[str]) -> Figures | None:
        """The figures of these GPUs; None where they cannot be read, as for no GPU at all."""


class Nvml:
    """Implements Gauge over NVIDIA's management library; finds nothing where package or driver is missing."""

    def __init__(self) -> None:
        self._nvml: Any = None
        try:
            nvml = importlib.import_module("pynvml")
            nvml.nvmlInit()
        except ImportError:
            return
        except Exception as error:
            # The package's own error type exists only where the package does.
            if type(error).__name__.startswith("NVMLError"):
                return
            raise
        self._nvml = nvml

    def gpus(self) -> list[Gpu]:
        """All GPUs, in the order of their slots."""
        if self._nvml is None:
            return []
        handles = map(self._nvml.nvmlDeviceGetHandleByIndex, range(self._nvml.nvmlDeviceGetCount()))
        return [self._describe(handle) for handle in handles]

    def read(self, uuids: Sequence[str]) -> Figures | None:
        if self._nvml is None or not uuids:
            return None
        try:
            handles = [self._nvml.nvmlDeviceGetHandleByUUID(uuid) for uuid in uuids]
            busy = [float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in handles]
            used = [float(self._nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in handles]
        except self._nvml.NVMLError:
            return None
        return Figures(sum(busy) / len(busy), round(max(used) / GIB, 3))

    def _describe(self, handle: Any) -> Gpu:
        name = _text(self._nvml.nvmlDeviceGetName(handle))
        memory = round(self._nvml.nvmlDeviceGetMemoryInfo(handle).total / GIB)
        return Gpu(_text(self._nvml.nvmlDeviceGetUUID(handle)), type_of(name, memory))


def type_of(name: str, gibibytes: int) -> str:
    """`NVIDIA RTX 4090` with 24 GiB -> `RTX-4090-24GB`; a name that tells the memory is left as it is."""
    plain = name.removeprefix("NVIDIA ").strip().replace(" ", "-")
    return plain if f"{gibibytes}GB" in plain else f"{plain}-{gibibytes}GB"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
