"""Base models: complete or absent, safetensors only, and they know when to stop talking."""

import json
import shutil
from pathlib import Path

import pytest

from lora_trainer.errors import BaseModelUnavailable
from lora_trainer.preparing.checking import check_model, mend_generation
from lora_trainer.preparing.command import prepare_model
from lora_trainer.preparing.gguf import convert_package


def _reports(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_downloaded_files_become_a_model_that_stops_at_the_end_of_its_turn(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "files"
    shutil.copytree(model, files)
    (files / "generation_config.json").write_text('{"eos_token_id": 0}', "utf-8")

    assert prepare_model("files", "tests/tiny", files, tmp_path / "made") == 0

    assert _reports(capsys)[-1] == {"done": True, "path": str(tmp_path / "made")}
    made = json.loads((tmp_path / "made" / "generation_config.json").read_text("utf-8"))
    assert made["eos_token_id"] == [0, 2]  # 2 is <|im_end|>
    assert json.loads((files / "generation_config.json").read_text("utf-8")) == {"eos_token_id": 0}
    assert prepare_model("files", "tests/tiny", files, tmp_path / "made") == 0
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_folder_is_used_in_place(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare_model("folder", str(model), None, tmp_path / "made") == 0
    assert _reports(capsys)[-1] == {"done": True, "path": str(model)}
    assert not (tmp_path / "made").exists()


def test_weights_that_are_pickles_are_refused(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(model, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    assert prepare_model("folder", str(folder), None, tmp_path / "made") == 1

    report = _reports(capsys)[-1]
    assert report["error"] == "base_model_unavailable"
    assert "no *.safetensors" in str(report["text"])


def test_a_missing_weight_file_is_named(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    shutil.copytree(model, folder)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(BaseModelUnavailable, match=r"lacks model-00002.safetensors"):
        check_model(folder)


def test_mending_twice_changes_nothing_more(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    mend_generation(folder)
    once = (folder / "generation_config.json").read_text("utf-8")
    mend_generation(folder)
    assert (folder / "generation_config.json").read_text("utf-8") == once


def test_a_package_needs_an_exact_version(tmp_path: Path) -> None:
    with pytest.raises(BaseModelUnavailable, match="name==version"):
        convert_package("some-package>=1", None, tmp_path, lambda percent, text: None)
