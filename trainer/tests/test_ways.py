"""Other ways to train: packed, on two processes, with own validation data, stopping early, without a template."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import runs
import tiny
from lora_trainer.data.collating import Collator
from lora_trainer.errors import SettingsInvalid
from lora_trainer.model.packing_check import check_packing


def _finish(run: Path) -> Path:
    assert runs.here(run) == 0, runs.events(run)[-1]
    return run


def test_packed_sequences_do_not_see_each_other(model: Path) -> None:
    loaded = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32).eval()
    check_packing(loaded)
    first, second = list(range(10, 20)), list(range(30, 36))
    row = {"input_ids": first + second, "labels": first + second, "position_ids": [*range(10), *range(6)]}
    short = {"input_ids": second, "labels": second, "position_ids": list(range(6))}
    batch = Collator(0, packed=True)([row, short])
    assert int(batch["token_count"]) == 22
    with torch.no_grad():
        # As in training: with a cache for generation, transformers takes the positions for one sequence's.
        inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
        packed = loaded(**inputs, use_cache=False).logits
        alone = loaded(input_ids=torch.tensor([second])).logits
    assert torch.allclose(packed[0, 10:], alone[0], atol=1e-5)
    assert torch.allclose(packed[1, :6], alone[0], atol=1e-5)


def test_a_model_that_mixes_packed_sequences_is_refused(model: Path) -> None:
    loaded = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)
    forward = loaded.forward
    loaded.forward = lambda **options: forward(**(options | {"position_ids": None}))
    with pytest.raises(SettingsInvalid, match="packing: the model type llama"):
        check_packing(loaded)


def test_a_packed_run_takes_fewer_steps_and_learns(model: Path, data: Path, tmp_path: Path) -> None:
    run = _finish(runs.make_run(tmp_path / "run", model, data, packing=True, batch_size=2, epochs=2))
    (plan,) = runs.events(run, "plan")
    assert plan["total_steps"] == 10  # 36 examples, up to four to a row
    losses = runs.losses(run)
    assert losses[10] < losses[1]
    assert runs.summary(run)["tokens"]["processed"] == 2 * runs.summary(run)["tokens"]["dataset"]


def test_two_processes_train_as_one_and_only_the_first_tells(model: Path, data: Path, tmp_path: Path) -> None:
    alone = runs.make_run(tmp_path / "alone", model, data, max_steps=4, dropout=0, batch_size=4)
    settings = {"max_steps": 4, "dropout": 0, "batch_size": 2, "device": {"kind": "cpu", "count": 2}}
    both = runs.make_run(tmp_path / "both", model, data, **settings)
    _finish(alone)
    _finish(both)
    assert len(runs.events(both, "start")) == 1
    assert runs.losses(both) == pytest.approx(runs.losses(alone), rel=0.02)
    before = runs.losses(both, "validation_loss")[0]
    assert before == pytest.approx(runs.losses(alone, "validation_loss")[0], rel=1e-3)
    names = {path.name for path in (both / "checkpoints").iterdir()}
    assert "step-000004-r0" in names
    assert (both / "checkpoints" / "step-000004-r0" / "random_state-1.safetensors").exists()


def test_own_validation_data_is_used_whole(model: Path, data: Path, tmp_path: Path) -> None:
    own = runs.write_lines(tmp_path / "validation.jsonl", [*runs.chats(3), "not an example"])
    run = _finish(
        runs.make_run(tmp_path / "run", model, data, max_steps=2, validation={"path": str(own), "sha256": "ab"})
    )
    summary = runs.summary(run)
    assert (summary["examples"]["training"], summary["examples"]["validation"]) == (40, 3)
    assert summary["examples"]["skipped"] == [
        {"file": "validation", "line": 4, "reason": "the line is not a JSON object"}
    ]
    assert summary["validation_sha256"] == "ab"


def test_early_stopping_ends_the_run_and_keeps_the_best_adapter(model: Path, data: Path, tmp_path: Path) -> None:
    """Validation data that contradict what is trained: their loss soon rises."""
    contrary = [{"prompt": f"How do I see the last {n} lines?", "completion": "zzz QQQ %%%"} for n in range(4)]
    own = runs.write_lines(tmp_path / "validation.jsonl", contrary)
    settings = {"epochs": 20, "eval_steps": 2, "early_stopping_patience": 2, "learning_rate": 1e-2}
    run = _finish(
        runs.make_run(tmp_path / "run", model, data, **settings, validation={"path": str(own), "sha256": None})
    )
    summary = runs.summary(run)
    (plan,) = runs.events(run, "plan")
    assert summary["stopped"] == "early_stopping"
    assert summary["steps"] == summary["best_step"] + 4 < plan["total_steps"]
    assert summary["is_partial"] is False
    best = min(runs.losses(run, "validation_loss").items(), key=lambda each: each[1])
    assert best[0] in (0, summary["best_step"])
    last = run / "checkpoints" / f"step-{summary['steps']:06d}-r0"
    kept = (run / "output" / "adapter_model.safetensors").read_bytes()
    assert kept == (last / "best_adapter.safetensors").read_bytes()
    assert kept != (last / "adapter_model.safetensors").read_bytes()

    shutil.rmtree(run / "output")  # as if it had been killed before it wrote them
    _finish(run)
    assert (runs.summary(run)["stopped"], runs.summary(run)["steps"]) == ("early_stopping", summary["steps"])
    assert (run / "output" / "adapter_model.safetensors").read_bytes() == kept


def test_attention_layers_alone_and_a_model_without_a_template(data: Path, tmp_path: Path) -> None:
    bare = tiny.make_model(tmp_path / "bare", template=None)
    run = _finish(runs.make_run(tmp_path / "run", bare, data, max_steps=2, target_modules="attention", use_rslora=True))
    config = json.loads((run / "output" / "adapter_config.json").read_text("utf-8"))
    assert config["target_modules"] == ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert config["use_rslora"] is True
    assert "plain_chat_template" in {each["code"] for each in runs.events(run, "warning")}
    assert "### Assistant:" in (run / "output" / "chat_template.jinja").read_text("utf-8")
