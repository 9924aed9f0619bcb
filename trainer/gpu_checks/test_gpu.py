"""What only a CUDA machine can show."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoConfig

import runs

ONE = {"kind": "cuda", "count": 1}
SHORT: dict[str, Any] = {"max_steps": 20, "eval_steps": 10, "learning_rate": 1e-3}
GIB = 1024**3


def _finish(run: Path) -> Path:
    assert runs.start(run).wait() == 0, (run / "log.txt").read_text("utf-8")
    return run


def test_lora_learns_and_reports_the_gpu(model: Path, data: Path, tmp_path: Path) -> None:
    run = _finish(runs.make_run(tmp_path / "run", model, data, device=ONE, **SHORT))
    summary = runs.summary(run)
    assert summary["dtype"] == ("bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "float16")
    assert summary["validation_loss"] < summary["base_validation_loss"]
    assert summary["peak_memory_bytes"] > 0
    last = [point for point in runs.events(run, "point") if "training_loss" in point["values"]][-1]
    assert last["values"]["gpu_memory"] > 0
    assert 0 <= last["values"]["gpu_utilization"] <= 100


def test_adapter_weights_are_float32_and_not_of_the_output_layer(model: Path, data: Path, tmp_path: Path) -> None:
    run = _finish(runs.make_run(tmp_path / "run", model, data, device=ONE, **SHORT))
    with safe_open(str(run / "output" / "adapter_model.safetensors"), framework="pt") as stored:
        names = list(stored.keys())
        assert {stored.get_tensor(name).dtype for name in names} == {torch.float32}
    assert not any("lm_head" in name for name in names)


def test_nf4_learns_in_less_memory(model: Path, data: Path, tmp_path: Path) -> None:
    plain = _finish(runs.make_run(tmp_path / "plain", model, data, device=ONE, **SHORT))
    packed = _finish(runs.make_run(tmp_path / "nf4", model, data, device=ONE, quantization="nf4", **SHORT))
    assert runs.summary(packed)["validation_loss"] < runs.summary(packed)["base_validation_loss"]
    assert runs.summary(packed)["peak_memory_bytes"] < runs.summary(plain)["peak_memory_bytes"]


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_resumed_run_goes_on_closely(model: Path, data: Path, tmp_path: Path, quantization: str) -> None:
    settings = SHORT | {"quantization": quantization, "save_steps": 10, "device": ONE}
    whole = _finish(runs.make_run(tmp_path / "whole", model, data, **settings))
    source = whole / "checkpoints" / "step-000010-r0"
    resume = {"path": str(source), "step": 10, "run_id": "whole"}
    rest = _finish(runs.make_run(tmp_path / "rest", model, data, resume_from=resume, **settings))
    expected = {step: loss for step, loss in runs.losses(whole).items() if step > 10}
    assert runs.losses(rest) == pytest.approx(expected, rel=0.02)


def test_two_gpus_train_as_one(model: Path, data: Path, tmp_path: Path) -> None:
    assert torch.cuda.device_count() >= 2, "this check needs two GPUs"
    settings = SHORT | {"dropout": 0.0}
    alone = _finish(runs.make_run(tmp_path / "alone", model, data, device=ONE, batch_size=4, **settings))
    both = {"kind": "cuda", "count": 2}
    together = _finish(runs.make_run(tmp_path / "both", model, data, device=both, batch_size=2, **settings))
    assert runs.losses(together) == pytest.approx(runs.losses(alone), rel=0.05)


def test_out_of_memory_says_what_to_lower(model: Path, tmp_path: Path) -> None:
    long = [{"prompt": "7 " * 3000, "completion": "8 " * 4000} for _ in range(128)]
    data = runs.write_lines(tmp_path / "long.jsonl", long)
    # Most of the memory is taken, so that any GPU is too small.
    taken = torch.empty(int(torch.cuda.mem_get_info()[0] - GIB), dtype=torch.uint8, device="cuda")
    run = runs.make_run(tmp_path / "run", model, data, device=ONE, batch_size=64, max_length=8000)
    code = runs.start(run).wait()
    del taken
    torch.cuda.empty_cache()
    end = runs.events(run)[-1]
    assert (code, end["error_code"]) == (4, "out_of_memory")
    assert "lower batch_size from 64 to 32" in end["error_message"]
    assert "nf4" in end["error_message"]


def test_peak_memory_is_near_the_published_formula(model: Path, tmp_path: Path) -> None:
    """Weights 2 B, LoRA 16 B x its parameters, activations with recomputation 2 B x layers x tokens x hidden plus
    logits in chunks, 0.6 GiB of overhead and 5 %: the bound that the control plane plans with."""
    length, batch = 1024, 2
    data = runs.write_lines(tmp_path / "long.jsonl", [{"prompt": "7 " * 400, "completion": "8 " * 800}] * 40)
    settings = SHORT | {"batch_size": batch, "max_length": length, "max_steps": 5}
    run = _finish(runs.make_run(tmp_path / "run", model, data, device=ONE, **settings))
    config = AutoConfig.from_pretrained(str(model))
    with safe_open(str(run / "output" / "adapter_model.safetensors"), framework="pt") as stored:
        lora = sum(stored.get_tensor(name).numel() for name in stored.keys())  # noqa: SIM118 not a mapping
    weights = sum(path.stat().st_size for path in model.glob("*.safetensors"))
    hidden, layers = config.hidden_size, config.num_hidden_layers
    activations = 2 * layers * batch * length * hidden + 4 * batch * length * config.vocab_size * 2
    bound = 1.05 * (weights + 16 * lora + activations + 0.6 * GIB)
    peak = runs.summary(run)["peak_memory_bytes"]
    assert peak < 1.2 * bound, f"peak {peak / GIB:.2f} GiB, formula {bound / GIB:.2f} GiB"
