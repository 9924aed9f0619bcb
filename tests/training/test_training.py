"""A job that nothing happens to: real steps, a real adapter, and the figures of both."""

from pathlib import Path

from tests.training.ground import BASE_MODEL, QUICK, STEPS, Ground, ask_trainer

COMPARE = """
import json, sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base, adapter = sys.argv[1:]
tokens = AutoTokenizer.from_pretrained(adapter)("How many lines does notes.txt have?", return_tensors="pt")
plain = AutoModelForCausalLM.from_pretrained(base).eval()
with torch.no_grad():
    without = plain(**tokens).logits
    model = PeftModel.from_pretrained(plain, adapter).eval()
    adapted = model(**tokens).logits
    with model.disable_adapter():
        restored = model(**tokens).logits
print(json.dumps({"changed": float((adapted - without).abs().max()), "restored": torch.equal(without, restored)}))
"""


def test_every_step_is_a_point_and_the_loss_falls(ground: Ground, trained: str) -> None:
    points = [point for point in ground.points(trained) if point["training_loss"] is not None]
    assert [point["step"] for point in points] == list(range(1, STEPS + 1))
    first, last = points[:5], points[-5:]
    assert sum(point["training_loss"] for point in last) < sum(point["training_loss"] for point in first)
    assert all(point["throughput"] > 0 and point["gradient_norm"] > 0 for point in points)
    assert max(point["learning_rate"] for point in points) == QUICK["learning_rate"]
    assert all(point["gpu_utilization"] is None for point in points)  # a processor has none


def test_the_validation_loss_begins_before_training_and_falls(ground: Ground, trained: str) -> None:
    losses = {point["step"]: point["validation_loss"] for point in ground.points(trained)}
    known = {step: loss for step, loss in losses.items() if loss is not None}
    assert min(known) == 0
    assert known[max(known)] < known[0]


def test_the_adapter_loads_in_plain_peft_and_changes_the_answers(ground: Ground, trained: str, tmp_path: Path) -> None:
    adapter = ground.download(trained, tmp_path / "adapter")
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md", "training_summary.json"} <= {
        path.name for path in adapter.iterdir()
    }
    compared = ask_trainer(COMPARE, ground.model, adapter)
    assert compared["changed"] > 0.01
    assert compared["restored"] is True


def test_the_artifact_says_what_it_was_trained_on_and_how_well(ground: Ground, trained: str) -> None:
    summary = ground.artifact(trained)["training_summary"]
    assert summary["base_model"] == BASE_MODEL
    assert summary["steps"] == STEPS
    assert summary["best_validation_loss"] < summary["base_validation_loss"]
    assert 0 < len(summary["samples"]) <= 10
    assert {"prompt", "expected", "base", "adapter"} <= set(summary["samples"][0])


def test_no_file_of_the_artifact_is_a_pickle(ground: Ground, trained: str) -> None:
    endings = {Path(file["path"]).suffix for file in ground.artifact(trained)["files"]}
    assert not endings & {".bin", ".pt", ".pth", ".pkl"}


def test_the_log_tells_of_the_steps(ground: Ground, trained: str) -> None:
    logs = ground.get(f"jobs/{trained}/logs")
    assert logs["complete"]
    assert len(logs["lines"]) > 5


def test_the_cost_is_that_of_the_slots_time(ground: Ground, trained: str) -> None:
    records = ground.get(f"jobs/{trained}")["cost_records"]
    assert records[0]["details"]["gpu_type"] == "CPU"
    assert records[0]["details"]["billable_seconds"] > 0
