"""One whole run, in a process of its own, as a node starts it."""

import hashlib
import json
from pathlib import Path

import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

import runs
import tiny


def test_it_tells_its_stages_in_order_and_ends_completed(finished: Path) -> None:
    told = [each["stage"] for each in runs.events(finished, "stage")]
    assert told[:3] == ["preprocessing", "model_loading", "training"]
    assert set(told[3:]) == {"saving"}
    assert runs.events(finished)[0]["event"] == "start"
    assert runs.events(finished)[-1]["outcome"] == "completed"


def test_the_plan_is_what_happens(finished: Path) -> None:
    (plan,) = runs.events(finished, "plan")
    assert (plan["total_steps"], plan["total_epochs"], plan["start_step"]) == (10, 2, 0)
    assert sorted(runs.losses(finished)) == list(range(1, 11))


def test_the_losses_fall_from_what_they_were_before_training(finished: Path) -> None:
    training, validation = runs.losses(finished), runs.losses(finished, "validation_loss")
    assert sorted(validation) == [0, 5, 10]
    assert training[10] < training[1] - 0.3
    assert validation[10] < validation[5] < validation[0]


def test_every_point_has_what_a_cpu_can_tell(finished: Path) -> None:
    for point in runs.events(finished, "point"):
        assert point["nonfinite"] == {}
        if "training_loss" in point["values"]:
            assert set(point["values"]) == {"training_loss", "learning_rate", "gradient_norm", "throughput"}


def test_a_bad_line_is_warned_of_and_listed_by_its_number(finished: Path) -> None:
    (warning,) = [each for each in runs.events(finished, "warning") if each["code"] == "lines_skipped"]
    assert "line 41" in warning["message"]
    assert runs.summary(finished)["examples"]["skipped"] == [
        {"file": "dataset", "line": 41, "reason": "messages is not a list with at least one message"}
    ]


def test_checkpoints_are_listed_with_the_hashes_of_their_files(finished: Path) -> None:
    saved = runs.events(finished, "checkpoint")
    assert [each["path"] for each in saved] == [f"checkpoints/step-{step:06d}-r0" for step in (4, 8, 10)]
    assert saved[-1]["validation_loss"] == runs.losses(finished, "validation_loss")[10]
    for each in saved:
        for file in each["files"]:
            content = (finished / each["path"] / file["path"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])


def test_no_file_is_a_pickle(finished: Path) -> None:
    endings = {path.suffix for path in finished.rglob("*") if path.is_file()}
    assert endings <= {".json", ".jsonl", ".safetensors", ".txt", ".md", ".jinja", ""}
    assert not [path for path in finished.rglob("*") if path.name.startswith(".partial")]


def test_the_output_names_the_public_base_model_and_lists_its_files(finished: Path) -> None:
    (output,) = runs.events(finished, "output")
    names = {file["path"] for file in output["files"]}
    assert names >= {"adapter_model.safetensors", "adapter_config.json", "chat_template.jinja", "README.md"}
    assert names >= {"tokenizer.json", "tokenizer_config.json", "training_summary.json"}
    assert output["is_partial"] is False
    config = json.loads((finished / "output" / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == tiny.NAME
    assert "lm_head" not in config["target_modules"]
    assert str(finished.parent) not in "".join(
        (finished / "output" / name).read_text("utf-8") for name in names if name.endswith((".json", ".md"))
    )


def test_the_card_and_the_summary_tell_what_was_trained(finished: Path) -> None:
    summary, card = runs.summary(finished), (finished / "output" / "README.md").read_text("utf-8")
    assert card.startswith(f'---\nbase_model: "{tiny.NAME}"\nlibrary_name: peft\n')
    assert 'license: "apache-2.0"' in card
    assert summary["dataset_sha256"] in card
    assert (summary["schema"], summary["steps"], summary["restarts"], summary["stopped"]) == (1, 10, 0, None)
    assert summary["validation_loss"] < summary["base_validation_loss"]
    assert summary["tokens"]["trained"] == 2 * summary["tokens"]["with_loss"]
    assert summary["tokens"]["processed"] == 2 * summary["tokens"]["dataset"]
    assert 0 < len(summary["samples"]) <= 10
    assert all(set(sample) == {"prompt", "expected", "base", "adapter"} for sample in summary["samples"])


def test_the_adapter_loads_in_plain_peft_changes_the_logits_and_can_be_switched_off(
    finished: Path, model: Path
) -> None:
    base = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(str(finished / "output"))
    chat = [{"role": "user", "content": "How do I see the last 5 lines of todo.md?"}]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        before = base(**ids).logits
        tuned = PeftModel.from_pretrained(base, str(finished / "output")).eval()
        after = tuned(**ids).logits
        with tuned.disable_adapter():
            off = tuned(**ids).logits
    assert (after - before).abs().max() > 0.1
    assert torch.equal(off, before)


def test_a_config_with_a_local_base_loads_by_itself(finished: Path, model: Path, tmp_path: Path) -> None:
    for path in (finished / "output").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "adapter_config.json").read_text("utf-8")) | {"base_model_name_or_path": str(model)}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    assert AutoPeftModelForCausalLM.from_pretrained(str(tmp_path)).active_adapters == ["default"]
