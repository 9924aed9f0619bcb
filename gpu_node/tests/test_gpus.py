"""What the machine has, as NVIDIA's management library tells it; the library itself is pretended."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_node.gpus import Figures, Nvml, type_of
from gpu_node.settings import offer

LIBRARY = """
class NVMLError(Exception):
    pass

class Of:
    def __init__(self, **facts):
        self.__dict__.update(facts)

def nvmlInit(): pass
def nvmlDeviceGetCount(): return 3
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetHandleByUUID(uuid):
    if not uuid.startswith("GPU-"):
        raise NVMLError("not found")
    return int(uuid[4:])
def nvmlDeviceGetUUID(index): return f"GPU-{index}"
def nvmlDeviceGetName(index): return "NVIDIA H100 80GB HBM3" if index == 2 else "NVIDIA RTX 4090"
def nvmlDeviceGetMemoryInfo(index): return Of(total=(80 if index == 2 else 24) << 30, used=(index + 1) << 30)
def nvmlDeviceGetUtilizationRates(index): return Of(gpu=50 + 10 * index)
"""


@pytest.fixture
def nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nvml]:
    """The library of a machine with two RTX 4090 and one H100."""
    (tmp_path / "pynvml.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    yield Nvml()
    del sys.modules["pynvml"]


def test_a_machine_without_gpus_offers_one_slot_on_its_processor() -> None:
    assert offer([], simulated=False) == ({"CPU": 1}, {})


@pytest.mark.usefixtures("nvml")
def test_a_machine_with_gpus_offers_them_by_name_and_memory() -> None:
    gpus, devices = offer([], simulated=False)
    assert gpus == {"RTX-4090-24GB": 2, "H100-80GB-HBM3": 1}
    assert devices == {"RTX-4090-24GB": ("GPU-0", "GPU-1"), "H100-80GB-HBM3": ("GPU-2",)}


@pytest.mark.usefixtures("nvml")
def test_gpus_may_be_offered_under_another_name_beside_the_processor() -> None:
    gpus, devices = offer(["H100-80GB:1", "RTX-4090-24GB:2", "CPU:1"], simulated=False)
    assert gpus == {"H100-80GB": 1, "RTX-4090-24GB": 2, "CPU": 1}
    assert devices == {"RTX-4090-24GB": ("GPU-0", "GPU-1"), "H100-80GB": ("GPU-2",)}


@pytest.mark.usefixtures("nvml")
def test_more_gpus_than_the_machine_has_are_not_offered() -> None:
    with pytest.raises(ValueError, match="more than the 3 free GPUs"):
        offer(["A100:4"], simulated=False)


def test_a_simulating_machine_offers_whatever_it_is_told() -> None:
    assert offer(["H100-80GB:1000"], simulated=True) == ({"H100-80GB": 1000}, {})


def test_figures_are_the_mean_utilization_and_the_fullest_memory(nvml: Nvml) -> None:
    assert nvml.read(["GPU-0", "GPU-1"]) == Figures(55.0, 2.0)
    assert nvml.read(["gone"]) is None
    assert nvml.read([]) is None


def test_a_name_that_tells_the_memory_is_left_as_it_is() -> None:
    assert type_of("NVIDIA A100-SXM4-80GB", 80) == "A100-SXM4-80GB"
    assert type_of("NVIDIA RTX 4090", 24) == "RTX-4090-24GB"
