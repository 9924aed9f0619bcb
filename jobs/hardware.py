"""What is known of GPU types: speed and memory, from their names. Pure.

Peaks are those of the vendors' data sheets: tensor cores, dense (the sheets' "with sparsity" halved), BF16 with FP32
accumulation; FP16 on V100 and T4, which have no BF16:
    nvidia.com/en-us/data-center/{b200,h200,h100,a100,v100,l40s,l40,l4,a40,products/a10-gpu,tesla-t4},
    NVIDIA Ada and Ampere GA102 architecture white papers (4090, 3090, A6000), RTX Blackwell white paper (5090).
The efficiency of a fine-tuning with LoRA is far below the peak; these shares are what is commonly seen, and one's
own finished jobs replace them (jobs.learned). CPU: 300 tokens/s measured for 135 M weights in bf16 on two cores.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Hardware:
    """`peak` in operations per second; `efficiency` is the share that training reaches; `memory_gib` of one GPU
    where the name does not say it, None where the model was sold in several sizes."""

    peak: float
    efficiency: float
    memory_gib: float | None


# The first entry that occurs in a type's name counts, so longer names stand before their beginnings.
_KNOWN: dict[str, Hardware] = {
    "B200": Hardware(2250e12, 0.25, 180),
    "H200": Hardware(989e12, 0.25, 141),
    "H100": Hardware(989e12, 0.25, 80),
    "A100": Hardware(312e12, 0.35, None),
    "V100": Hardware(125e12, 0.30, None),
    "L40S": Hardware(362e12, 0.30, 48),
    "L40": Hardware(181e12, 0.30, 48),
    "A6000": Hardware(155e12, 0.30, 48),
    "A40": Hardware(150e12, 0.30, 48),
    "A10": Hardware(125e12, 0.30, 24),
    "L4": Hardware(121e12, 0.30, 24),
    "T4": Hardware(65e12, 0.30, 16),
    "5090": Hardware(210e12, 0.30, 32),
    "4090": Hardware(165e12, 0.30, 24),
    "3090": Hardware(71e12, 0.30, 24),
}
CPU = Hardware(0.5e12, 0.48, None)

_SIZE = re.compile(r"(\d+)\s?Gi?B\b", re.IGNORECASE)


def known(gpu_type: str) -> Hardware | None:
    """What is known of a type such as "A100-80GB", or None."""
    if is_cpu(gpu_type):
        return CPU
    return next((hardware for name, hardware in _KNOWN.items() if name in gpu_type.upper()), None)


def is_cpu(gpu_type: str) -> bool:
    """Whether the "GPU" is the machine's processor, as on a node without one."""
    return "CPU" in gpu_type.upper()


def memory_gib(gpu_type: str) -> float | None:
    """Memory of one GPU: what the name says ("A100-40GB"), else the model's own; None where neither tells, and for
    a CPU, whose memory is not ours to judge."""
    if is_cpu(gpu_type):
        return None
    said = _SIZE.search(gpu_type)
    if said:
        return float(said[1])
    hardware = known(gpu_type)
    return hardware.memory_gib if hardware else None
