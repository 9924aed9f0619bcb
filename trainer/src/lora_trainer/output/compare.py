"""`compare`: one prompt, answered without and with an adapter."""

import logging
import sys
from pathlib import Path

import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from lora_trainer.data.layouts import Message
from lora_trainer.errors import BaseModelUnavailable
from lora_trainer.output.generating import answer


def compare(base: str, adapter: Path, prompt: str, most_tokens: int, system: str | None = None) -> int:
    """Prints both answers; `base` is a folder or a hub id. Raises BaseModelUnavailable.

    An adapter trained with a system message answers as it learned only with that message.
    """
    transformers.logging.set_verbosity_error()
    logging.getLogger().setLevel(logging.WARNING)
    if not (adapter / "adapter_config.json").is_file():
        raise BaseModelUnavailable(f"{adapter} is not an adapter's folder: it has no adapter_config.json.")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(adapter))
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).to(device)
    except (OSError, ValueError) as error:
        raise BaseModelUnavailable(f"The base model {base} cannot be loaded: {error}") from None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    without = answer(model, tokenizer, [text], most_tokens)[0]
    tuned = PeftModel.from_pretrained(model, str(adapter))
    tuned.eval()
    with_adapter = answer(tuned, tokenizer, [text], most_tokens)[0]
    sys.stdout.write(f"--- base model\n{without}\n\n--- with the adapter\n{with_adapter}\n")
    return 0
