"""README.md of the adapter: the model card that hubs and people read. Pure."""

import json
from collections.abc import Mapping
from typing import Any


def make_card(summary: Mapping[str, Any], licence: str | None) -> str:
    """Markdown with a front matter of base model, library and tags; `summary` is training_summary.json."""
    name = str(summary["base_model"])
    front = [
        f"base_model: {json.dumps(name)}",
        "library_name: peft",
        "pipeline_tag: text-generation",
        "tags: [lora, peft, sft, trl]",
    ]
    if licence:
        front.append(f"license: {json.dumps(licence.lower())}")
    return "\n".join(["---", *front, "---", *_body(summary, name, licence)]) + "\n"


def _body(summary: Mapping[str, Any], name: str, licence: str | None) -> list[str]:
    examples, tokens = summary["examples"], summary["tokens"]
    lines = [f"# LoRA adapter for {name}", ""]
    if summary["is_partial"]:
        lines += [f"**Partial:** training was stopped at step {summary['steps']}.", ""]
    lines += [
        "| | |",
        "|---|---|",
        f"| base model | `{name}` (licence: {licence or 'not known to the trainer: check it'}) |",
        f"| training data | {_count(examples, 'training')} examples, sha256 `{summary['dataset_sha256']}` |",
        f"| validation data | {_count(examples, 'validation')} examples |",
        f"| left out | {examples.get('skipped_count', 0)} unusable lines, {_count(examples, 'without_loss')} "
        f"without an answer in reach; {_count(examples, 'truncated')} cut |",
        f"| trained | {summary['steps']} steps, {summary['epochs']:g} epochs, {tokens['trained']} tokens with "
        f"loss, {summary['seconds']:g} s on {summary['device']} ({summary['dtype']}) |",
        f"| training loss | {_figure(summary['training_loss'])} |",
        f"| validation loss | {_figure(summary['base_validation_loss'])} before, "
        f"{_figure(summary['validation_loss'])} after (best {_figure(summary['best_validation_loss'])}) |",
        "",
        "## Load it",
        "",
        "```python",
        "from peft import AutoPeftModelForCausalLM",
        "from transformers import AutoTokenizer",
        "",
        'model = AutoPeftModelForCausalLM.from_pretrained("path/to/this/folder")',
        'tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")',
        "```",
        "",
        f"vLLM: `--enable-lora --max-lora-rank {_vllm_rank(summary['hyperparameters']['rank'])} "
        "--lora-modules NAME=path/to/this/folder`.",
        "",
        "## Hyperparameters",
        "",
        *(f"- {key}: {value}" for key, value in summary["hyperparameters"].items()),
        "",
        "Versions: " + ", ".join(f"{key} {value}" for key, value in summary["versions"].items()) + ".",
    ]
    return lines


def _count(examples: Mapping[str, Any], key: str) -> Any:
    return examples.get(key, "?")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _vllm_rank(rank: int) -> int:
    """The smallest value that vLLM accepts for --max-lora-rank."""
    return next((each for each in (8, 16, 32, 64, 128, 256, 320, 512) if each >= rank), rank)
