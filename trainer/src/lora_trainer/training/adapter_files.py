"""The adapter as two files that peft, transformers and vLLM read."""

import json
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from lora_trainer.errors import SettingsInvalid
from lora_trainer.training.state_files import SAME_ADAPTER

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def adapter_weights(model: Any) -> dict[str, Any]:
    """The LoRA weights by peft's names, copied to the CPU."""
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}


def write_adapter(folder: Path, weights: dict[str, Any], config: dict[str, Any]) -> None:
    save_file(weights, str(folder / WEIGHTS), metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


def adapter_config(model: Any) -> dict[str, Any]:
    """As peft writes it, with sets in order, for loading rather than training."""
    config = dict(model.peft_config["default"].to_dict())
    config |= {"inference_mode": True}
    return {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}


def read_adapter(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights and configuration as written by write_adapter."""
    return dict(load_file(str(folder / WEIGHTS))), json.loads((folder / CONFIG).read_text("utf-8"))


def load_adapter(model: Any, folder: Path) -> None:
    """Raises SettingsInvalid when the weights in `folder` are those of another kind of adapter."""
    set_weights(model, load_file(str(folder / WEIGHTS)))


def set_weights(model: Any, weights: dict[str, Any]) -> None:
    wanted = {name: tensor.shape for name, tensor in adapter_weights(model).items()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    if wanted != given:
        odd = sorted(set(wanted.items()) ^ set(given.items()), key=str)[0]
        raise SettingsInvalid(f"The checkpoint's adapter does not fit ({odd[0]}): {SAME_ADAPTER}")
    set_peft_model_state_dict(model, weights)
