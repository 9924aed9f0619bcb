"""Optimizer and random generators as safetensors: what pickles are usually used for, without code in the file."""

import json
import random
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lora_trainer.errors import SettingsInvalid

OPTIMIZER = "optimizer.safetensors"


def save_optimizer(folder: Path, model: Any, optimizer: Any) -> None:
    """Each trained parameter's moments under its name; learning rates follow from the job and the step."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    tensors = {}
    for parameter, state in _inner(optimizer).state.items():
        for key, value in state.items():
            tensors[f"{names[id(parameter)]}:{key}"] = torch.as_tensor(value).detach().cpu().contiguous()
    save_file(tensors, str(folder / OPTIMIZER))


def load_optimizer(folder: Path, model: Any, optimizer: Any) -> None:
    """Raises SettingsInvalid when the moments belong to another adapter."""
    tensors = load_file(str(folder / OPTIMIZER))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    inner = _inner(optimizer)
    parameters = [each for group in inner.param_groups for each in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        name, _, part = key.rpartition(":")
        state.setdefault(_index(name, names, parameters), {})[part] = value
    inner.load_state_dict({"state": state, "param_groups": inner.state_dict()["param_groups"]})


def save_random_state(folder: Path, rank: int, state: dict[str, Any]) -> None:
    """`state` is what random_state() gave."""
    save_file(state["tensors"], str(_random_file(folder, rank)), metadata={"others": json.dumps(state["others"])})


def random_state() -> dict[str, Any]:
    """Where this process's generators stand: Python, numpy, torch and its GPU."""
    version, words, gauss = random.getstate()
    numbers: Any = numpy.random.get_state(legacy=False)
    tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.tensor(numbers["state"]["key"].astype("int64")),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    rest = [numbers["bit_generator"], int(numbers["state"]["pos"]), numbers["has_gauss"], numbers["gauss"]]
    others = {"python": [version, gauss], "numpy": rest}
    return {"tensors": tensors, "others": others}


def load_random_state(folder: Path, rank: int) -> bool:
    """Puts the generators where they stood; False when this rank left no state (fewer devices trained then)."""
    path = _random_file(folder, rank)
    if not path.exists():
        return False
    with safe_open(str(path), framework="pt") as stored:
        others = json.loads(stored.metadata()["others"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 not a mapping
    version, gauss = others["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), gauss))
    name, position, has_gauss, cached = others["numpy"]
    numpy.random.set_state((name, tensors["numpy"].numpy().astype("uint32"), position, has_gauss, cached))
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    return True


def _random_file(folder: Path, rank: int) -> Path:
    return folder / f"random_state-{rank}.safetensors"


def _inner(optimizer: Any) -> Any:
    """torch's own optimizer inside accelerate's."""
    return getattr(optimizer, "optimizer", optimizer)


def _index(name: str, names: dict[int, str], parameters: list[Any]) -> int:
    for index, parameter in enumerate(parameters):
        if names[id(parameter)] == name:
            return index
    raise SettingsInvalid(f"The checkpoint trains {name}, which this job's settings do not: {SAME_ADAPTER}")


SAME_ADAPTER = "resume with the same base model, rank and target_modules."
