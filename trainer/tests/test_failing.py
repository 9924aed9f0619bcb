"""What goes wrong ends with a code, a message that says what to do, and exit code 4."""

import json
import resource
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

import runs
from lora_trainer.job import read_job
from lora_trainer.train import _translate, out_of_memory_advice


def _failure(run: Path) -> tuple[str, str]:
    assert runs.here(run) == 4
    end = runs.events(run)[-1]
    assert end["outcome"] == "failed"
    assert not (run / "output").exists()
    return end["error_code"], end["error_message"]


def test_an_unknown_hyperparameter_is_refused_by_name(model: Path, data: Path, tmp_path: Path) -> None:
    code, message = _failure(runs.make_run(tmp_path / "run", model, data, lerning_rate=1e-4))
    assert code == "settings_invalid"
    assert '"lerning_rate" is unknown; did you mean learning_rate?' in message


def test_more_tokens_than_the_model_reads_are_refused_with_both_numbers(
    model: Path, data: Path, tmp_path: Path
) -> None:
    code, message = _failure(runs.make_run(tmp_path / "run", model, data, max_length=8192))
    assert code == "settings_invalid"
    assert "8,192" in message
    assert "4,096" in message


def test_data_without_a_usable_line_is_refused_with_the_first_reason(model: Path, tmp_path: Path) -> None:
    data = runs.write_lines(tmp_path / "data.jsonl", [{"text": "Hi"}, {"messages": []}])
    code, message = _failure(runs.make_run(tmp_path / "run", model, data))
    assert code == "dataset_invalid"
    assert "Line 1: none of the known layouts" in message


def test_a_diverging_run_stops_before_its_weights_are_ruined(finished: Path, model: Path, tmp_path: Path) -> None:
    """The checkpoint it goes on from is poisoned in its optimizer, which ruins the second step from there."""
    source = tmp_path / "poisoned"
    source.mkdir()
    for path in (finished / "checkpoints" / "step-000004-r0").iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    moments = load_file(str(source / "optimizer.safetensors"))
    poisoned = {name: tensor * 0 + 1e-30 if "exp_avg" in name else tensor for name, tensor in moments.items()}
    poisoned |= {name: torch.full_like(each, 1e30) for name, each in moments.items() if name.endswith("exp_avg")}
    save_file(poisoned, str(source / "optimizer.safetensors"))
    resume = {"path": str(source), "step": 4, "run_id": None}
    data = finished.parent / "data.jsonl"
    run = runs.make_run(tmp_path / "run", model, data, resume_from=resume, epochs=2, save_steps=4, eval_steps=4)

    code, message = _failure(run)

    assert code == "nan_loss"
    assert "learning_rate" in message
    last = runs.events(run, "point")[-1]
    assert set(last["nonfinite"]) & {"training_loss", "gradient_norm"}
    for path in (run / "checkpoints").glob("*/adapter_model.safetensors"):
        assert all(torch.isfinite(tensor).all() for tensor in load_file(str(path)).values())


def test_out_of_memory_says_what_to_lower_and_keeps_the_effective_batch(
    model: Path, data: Path, tmp_path: Path
) -> None:
    run = runs.make_run(tmp_path / "run", model, data, batch_size=8, gradient_accumulation_steps=2, rank=64)
    job = read_job(run / "job.json")
    failure = _translate(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), job)
    assert failure.code == "out_of_memory"
    assert "batch_size from 8 to 4 and raise gradient_accumulation_steps from 2 to 4" in failure.message
    assert "max_length from 256" in out_of_memory_advice(job)
    assert "rank from 64" in out_of_memory_advice(job)
    assert "nf4" not in out_of_memory_advice(job)


def test_a_disk_that_takes_no_more_ends_the_run_with_what_to_do_and_no_half_files(
    model: Path, data: Path, tmp_path: Path
) -> None:
    """The limit for one file stands for a full disk: the adapter is larger, all else is smaller."""
    run = runs.make_run(tmp_path / "run", model, data, max_steps=2, save_steps=1)
    child = runs.start(run)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))

    assert child.wait() == 4

    end = runs.events(run)[-1]
    assert (end["error_code"], "save_steps" in end["error_message"]) == ("disk_full", True)
    assert list((run / "checkpoints").iterdir()) == []


def test_a_loss_of_exactly_zero_is_warned_of_once(model: Path, data: Path, tmp_path: Path) -> None:
    """A model that is sure of each next token, as one that learns nothing would seem to be."""
    sure = tmp_path / "sure"
    shutil.copytree(model, sure)
    tokenizer = AutoTokenizer.from_pretrained(str(sure))
    follows = tokenizer("\n", add_special_tokens=False)["input_ids"][-1], tokenizer("Do")["input_ids"][0]
    pairs = [follows, (follows[1], tokenizer.eos_token_id)]
    weights = load_file(str(sure / "model.safetensors"))
    for name, tensor in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight", "lm_head.weight")):
            tensor.zero_()
    for token, following in pairs:
        weights["lm_head.weight"][following] = 1e5 * weights["model.embed_tokens.weight"][token]
    save_file(weights, str(sure / "model.safetensors"), metadata={"format": "pt"})
    said = [{"prompt": f"Question {number}", "completion": "Do"} for number in range(8)]
    run = runs.make_run(tmp_path / "run", sure, runs.write_lines(tmp_path / "data.jsonl", said), max_steps=3)

    assert runs.here(run) == 0

    assert set(runs.losses(run).values()) == {0.0}
    assert [each["code"] for each in runs.events(run, "warning")].count("loss_zero") == 1


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("schema", 2, "schema 2"),
        ("device", {"kind": "tpu", "count": 1}, "device.kind must be cpu or cuda"),
        ("dataset", {"path": "relative.jsonl", "sha256": None}, "dataset.path must be absolute"),
        ("dataset", {"path": "/nowhere", "sha256": None, "format": "chat"}, "unknown key format"),
    ],
)
def test_a_job_file_with_a_mistake_names_it(
    model: Path, data: Path, tmp_path: Path, key: str, value: object, said: str
) -> None:
    run = runs.make_run(tmp_path / "run", model, data)
    job = json.loads((run / "job.json").read_text("utf-8")) | {key: value}
    (run / "job.json").write_text(json.dumps(job), "utf-8")
    with pytest.raises(Exception, match=said):
        read_job(run / "job.json")


def test_nf4_on_a_cpu_is_refused(model: Path, data: Path, tmp_path: Path) -> None:
    code, message = _failure(runs.make_run(tmp_path / "run", model, data, quantization="nf4"))
    assert (code, "CUDA" in message) == ("settings_invalid", True)
