"""`environment`: what this environment can train on, as one JSON object."""

import json
import sys

import torch

from lora_trainer.model.devices import has_bitsandbytes


def environment() -> int:
    """Prints {torch, cuda, devices: [{name, memory_bytes}], bitsandbytes}; `cuda` is its version or null."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = [torch.cuda.get_device_properties(index) for index in range(count)]
    content = {
        "torch": torch.__version__,
        "cuda": torch.version.cuda if count else None,
        "devices": [{"name": each.name, "memory_bytes": each.total_memory} for each in found],
        "bitsandbytes": bool(count) and has_bitsandbytes(),
    }
    sys.stdout.write(json.dumps(content) + "\n")
    return 0
