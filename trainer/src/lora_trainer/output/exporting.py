"""Writes output/, complete or not at all."""

import json
import shutil
from pathlib import Path
from typing import Any

from lora_trainer.output.card import make_card
from lora_trainer.run_folder import RunFolder, describe_files
from lora_trainer.training import adapter_files

TEMPLATE = "chat_template.jinja"


def export(
    folder: RunFolder,
    weights: dict[str, Any],
    config: dict[str, Any],
    tokenizer: Any,
    summary: dict[str, Any],
    licence: str | None,
) -> list[dict[str, Any]]:
    """The files of the new output folder as {path, size, sha256}. No file in it is a pickle."""
    partial = folder.partial_output
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    adapter_files.write_adapter(partial, weights, config | {"base_model_name_or_path": summary["base_model"]})
    tokenizer.save_pretrained(str(partial))
    _tidy_tokenizer(partial)
    (partial / TEMPLATE).write_text(tokenizer.chat_template, "utf-8")
    (partial / "training_summary.json").write_text(
        json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
    )
    (partial / "README.md").write_text(make_card(summary, licence), "utf-8")
    files = describe_files(partial)
    shutil.rmtree(folder.output, ignore_errors=True)
    partial.rename(folder.output)
    return files


def _tidy_tokenizer(folder: Path) -> None:
    """What transformers notes about this machine is of no use elsewhere."""
    path = folder / "tokenizer_config.json"
    content = json.loads(path.read_text("utf-8"))
    for key in ("is_local", "local_files_only", "name_or_path"):
        content.pop(key, None)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
