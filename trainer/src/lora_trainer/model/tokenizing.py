"""The base model's tokenizer, with the chat template and padding token that training and serving need."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from lora_trainer.errors import BaseModelUnavailable

PLAIN_TEMPLATE = """\
{%- for message in messages -%}
{{- '### ' + message['role'] | capitalize + ':\\n' + message['content'] -}}
{%- if message['role'] == 'assistant' -%}{{- eos_token -}}{%- endif -%}
{{- '\\n\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '### Assistant:\\n' -}}{%- endif -%}
"""
"""For base models without a chat template. It needs no new tokens; each answer ends with the end token."""


def load_tokenizer(path: Path) -> tuple[Any, bool]:
    """The tokenizer, and whether it got our plain chat template. Raises BaseModelUnavailable."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    except (OSError, ValueError) as error:
        raise BaseModelUnavailable(f"The base model's tokenizer cannot be loaded from {path}: {error}") from None
    if not tokenizer.is_fast:
        raise BaseModelUnavailable("The base model has no tokenizer.json: the loss mask needs its offsets.")
    if tokenizer.eos_token is None:
        raise BaseModelUnavailable("The base model's tokenizer names no end token (eos_token).")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # safe: padding has no labels and is masked
    is_plain = not tokenizer.chat_template
    if is_plain:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer, is_plain
