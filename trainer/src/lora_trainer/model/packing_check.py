"""Proof, on the loaded model, that packed sequences do not see each other."""

from typing import Any

import torch

from lora_trainer.errors import SettingsInvalid

LENGTH = 12


def check_packing(model: Any) -> None:
    """Raises SettingsInvalid when a sequence's logits change with what was packed before it.

    Not every architecture builds its attention mask from the positions; one that does not would train on answers
    to other examples' questions.
    """
    vocabulary = model.config.get_text_config().vocab_size
    device = next(model.parameters()).device
    tokens = (torch.arange(3 * LENGTH, device=device) * 7919 % vocabulary).reshape(3, LENGTH)
    positions = torch.arange(LENGTH, device=device).repeat(2)[None]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        first, second = (
            model(input_ids=torch.cat([before, tokens[2]])[None], position_ids=positions, use_cache=False).logits
            for before in (tokens[0], tokens[1])
        )
    model.train(was_training)
    difference = (first[0, LENGTH:] - second[0, LENGTH:]).abs().max().item()
    own = (first[0, :LENGTH] - second[0, :LENGTH]).abs().max().item()
    if difference > 0.01 * own:
        raise SettingsInvalid(
            f"packing: the model type {model.config.model_type} lets packed examples see each other; "
            "switch packing off."
        )
