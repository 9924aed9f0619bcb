"""The base model in memory, and LoRA on top of it."""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, set_seed

from lora_trainer.errors import BaseModelUnavailable, SettingsInvalid
from lora_trainer.hyperparameters import Hyperparameters
from lora_trainer.job import BaseModel
from lora_trainer.model.devices import Device


def check_length(base: BaseModel, max_length: int) -> None:
    """Raises SettingsInvalid when examples may be longer than what the model was made for."""
    try:
        config = AutoConfig.from_pretrained(str(base.path), local_files_only=True)
    except (OSError, ValueError) as error:
        raise BaseModelUnavailable(f"{base.name} has no usable config.json: {error}") from None
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    if context is not None and max_length > context:
        raise SettingsInvalid(
            f"max_length is {max_length:,} tokens, but {base.name} reads at most {context:,}: "
            f"lower max_length to {context:,}."
        )


def load_base(base: BaseModel, device: Device, quantization: str) -> Any:
    """The base model on the CPU (quantized: on its GPU), frozen. Raises BaseModelUnavailable."""
    options: dict[str, Any] = {"dtype": device.dtype, "local_files_only": True, "use_safetensors": True}
    if quantization == "nf4":
        options["device_map"] = {"": device.index}
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=device.dtype,
        )
    try:
        model = AutoModelForCausalLM.from_pretrained(str(base.path), **options)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelUnavailable(f"{base.name} cannot be loaded from {base.path}: {error}") from None
    model.requires_grad_(False)
    return model


def add_lora(model: Any, settings: Hyperparameters, base_name: str) -> Any:
    """A peft model with fresh LoRA weights in float32, the same ones for the same seed.

    The output layer is never among the targets: servers refuse it, and it may be tied to the embeddings.
    """
    set_seed(settings.seed)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha if settings.alpha % 1 else int(settings.alpha),
        lora_dropout=settings.dropout,
        target_modules="all-linear" if settings.target_modules == "all-linear" else _attention_layers(model),
        use_rslora=settings.use_rslora,
        bias="none",
    )
    tuned = get_peft_model(model, config)
    tuned.peft_config["default"].base_model_name_or_path = base_name
    return tuned


def trainable_parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _attention_layers(model: Any) -> list[str]:
    """The last parts of the names of all linear layers inside attention blocks."""
    names = {
        path.rpartition(".")[2]
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and ("attn" in path or "attention" in path)
    }
    if not names:
        raise SettingsInvalid("target_modules attention: this model has no linear attention layers; use all-linear.")
    return sorted(names)
