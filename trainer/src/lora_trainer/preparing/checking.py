"""Is this folder a model that can be trained, and will it stop talking at the end of its turn?"""

import json
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from lora_trainer.errors import BaseModelUnavailable

TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|endofturn|>", "<|turn_end|>")
"""What chat templates end a turn with, where a model's generation settings may know only the end of a text."""


def check_model(folder: Path) -> None:
    """Raises BaseModelUnavailable that names what is missing. Weights count only as safetensors: other formats are
    pickles, which run code when they are loaded."""
    if not (folder / "config.json").is_file():
        raise BaseModelUnavailable(f"{folder} has no config.json: give the folder of a model saved by transformers.")
    shards = {path.name for path in folder.glob("*.safetensors")}
    if not shards:
        raise BaseModelUnavailable(f"{folder} has no *.safetensors: convert the weights (save_pretrained) first.")
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        wanted = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        if missing := sorted(wanted - shards):
            raise BaseModelUnavailable(f"{folder} lacks {missing[0]}, one of {len(missing)} missing weight files.")
    try:
        AutoConfig.from_pretrained(str(folder), local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelUnavailable(f"{folder} is not a model that transformers knows: {error}") from None
    if not tokenizer.is_fast:
        raise BaseModelUnavailable(f"{folder} has no tokenizer.json: save the tokenizer with transformers first.")


def mend_generation(folder: Path) -> None:
    """Adds the tokenizer's end token and the template's end-of-turn token to generation_config.json.

    Without them the answers of many chat models run on after their end.
    """
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    path = folder / "generation_config.json"
    config: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    known = config.get("eos_token_id")
    ends = known if isinstance(known, list) else [] if known is None else [known]
    template = str(tokenizer.chat_template or "")
    vocabulary = tokenizer.get_vocab()
    wanted = [tokenizer.eos_token_id] + [vocabulary[end] for end in TURN_ENDS if end in template and end in vocabulary]
    ends = list(dict.fromkeys([*ends, *(end for end in wanted if end is not None)]))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    config |= {"eos_token_id": ends[0] if len(ends) == 1 else ends, "pad_token_id": config.get("pad_token_id") or pad}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
