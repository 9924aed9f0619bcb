"""The files a simulated run leaves behind: a well-formed LoRA adapter full of noise, which says so. Pure."""

import hashlib
import json
import random
from collections.abc import Mapping

from gpu_node.executor import ProducedFile
from gpu_node.simulated.curves import evaluation_values, training_values
from gpu_node.simulated.run import Run

WIDTH = 64
LAYERS = 2
TARGETS = ("q_proj", "v_proj")
# High bytes of small bfloat16 numbers of either sign (about +-0.008).
SMALL_BF16 = bytes(0x3C if byte < 128 else 0xBC for byte in range(256))


def build_files(run: Run, step: int) -> dict[str, bytes]:
    """Relative path -> content; the same run and step give the same bytes."""
    chosen = run.order.hyperparameters
    rank = int(chosen.get("rank") or chosen.get("lora_rank") or 16)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": run.order.base_model,
        "r": rank,
        "lora_alpha": chosen.get("alpha", 2 * rank),
        "lora_dropout": chosen.get("dropout", 0.0),
        "bias": "none",
        "target_modules": list(TARGETS),
        "simulated": True,
    }
    summary = {
        "simulated": True,
        "job_id": run.order.job_id,
        "base_model": run.order.base_model,
        "hyperparameters": dict(chosen),
        "gpu": {"type": run.order.gpu_type, "count": run.order.gpu_count},
        "dataset": {"sha256": run.order.inputs.sha256, "lines": run.order.inputs.lines},
        "steps": step,
        "total_steps": run.plan.total_steps,
        "final": training_values(run.plan, step) | evaluation_values(run.plan, step) if step else {},
    }
    return {
        "README.md": _card(run, step).encode(),
        "adapter_config.json": _json(config),
        "adapter_model.safetensors": _weights(rank, run.plan.seed + step),
        "training_summary.json": _json(summary),
    }


def describe(files: Mapping[str, bytes]) -> tuple[ProducedFile, ...]:
    """Path, size and hash of each file."""
    return tuple(
        ProducedFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _weights(rank: int, seed: int) -> bytes:
    """A safetensors file: length of the header, header, tensors in bfloat16."""
    source = random.Random(seed)  # noqa: S311 noise, not a secret
    header: dict[str, object] = {"__metadata__": {"format": "pt", "simulated": "true"}}
    tensors = bytearray()
    for layer in range(LAYERS):
        for target in TARGETS:
            for matrix, shape in (("lora_A", [rank, WIDTH]), ("lora_B", [WIDTH, rank])):
                content = bytearray(source.randbytes(2 * rank * WIDTH))
                content[1::2] = content[1::2].translate(SMALL_BF16)
                name = f"base_model.model.model.layers.{layer}.self_attn.{target}.{matrix}.weight"
                offsets = [len(tensors), len(tensors) + len(content)]
                header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": offsets}
                tensors += content
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + bytes(tensors)


def _card(run: Run, step: int) -> str:
    return f"""---
library_name: peft
base_model: {json.dumps(run.order.base_model)}
tags: [lora, simulated]
---
# Simulated adapter

No training took place: this adapter holds noise and its figures are computed. It has the form of the result
of {step} of {run.plan.total_steps} steps of a LoRA fine-tuning of `{run.order.base_model}`.
"""
