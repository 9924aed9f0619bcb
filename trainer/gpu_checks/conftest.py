"""Checks that need CUDA. Run by hand: `python -m pytest -q gpu_checks`; without a GPU they fail, they do not skip.

GPU_CHECKS_MODEL names a prepared base model's folder (a few billion parameters at most) for the checks of memory;
without it a random model of 0.1 billion is made.
"""

import os
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import runs
import tiny


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("GPU_CHECKS_MODEL")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("model")
    tokenizer = tiny.make_tokenizer()
    config = LlamaConfig(
        vocab_size=32_000,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=12,
        max_position_embeddings=8192,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.write_lines(tmp_path_factory.mktemp("data") / "data.jsonl", runs.chats(200))
