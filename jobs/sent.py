"""A form for a new job as a browser sends it without scripts: read back into what its fields show, and into the request
that static/configure/form.js would make of them."""

import math
import re
from collections.abc import Mapping
from typing import Any

from jobs import form, ids, presets, sentinel
from jobs.exceptions import InvalidJob
from jobs.form import Start

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")
_CONTROLS = {"gpu_config.type": "gpu_type", "gpu_config.count": "gpu_count", "gpu_config": "gpu_type"}
_LABELS = {
    "dataset_id": "Dataset",
    "validation_dataset_id": "Validation dataset",
    "name": "Name of the job",
    "base_model": "Model to start from",
    "preset_id": "Training preset",
    "gpu_type": "GPUs",
    "gpu_count": "Number of GPUs",
    "max_cost": "Budget in dollars",
}
_UNCHOSEN = {"dataset_id": "Choose a dataset.", "base_model": "Choose a base model.", "gpu_type": "Choose a GPU type."}


def read(said: Mapping[str, str]) -> Start:
    """What the sent fields show. Those that are as `shown_preset` has them follow the chosen preset."""
    text = {name: value.replace("\0", "").strip() for name, value in said.items()}
    preset = _known(text.get("preset_id", ""))
    shown, chosen = (presets.resolve(each, {}) for each in (_known(text.get("shown_preset", preset)), preset))
    typed = {name: _value(field, text) for name, field in presets.FIELDS.items()}
    return Start(
        values=form.written({name: chosen[name] if typed[name] == shown[name] else typed[name] for name in typed}),
        preset=preset,
        dataset=text.get("dataset_id", ""),
        validation_dataset=text.get("validation_dataset_id", ""),
        base_model=text.get("base_model", ""),
        gpu_type=text.get("gpu_type", ""),
        gpu_count=number(text.get("gpu_count", "1")),
        name=text.get("name", ""),
        max_cost=text.get("max_cost", ""),
        sentinel={kind: text.get(f"sentinel_{kind}", action) for kind, action in sentinel.checked({}).items()},
    )


def configuration(start: Start) -> dict[str, Any]:
    """What the fields ask for, as jobs.configurations takes it: the preset, and only what differs from it. Raises
    InvalidJob where something that must be chosen is not."""
    _check(start)
    usual = presets.resolve(start.preset, {})
    return {
        "dataset_id": start.dataset,
        "validation_dataset_id": start.validation_dataset or None,
        "base_model": start.base_model,
        "preset_id": start.preset,
        "hyperparameters": {name: value for name, value in start.values.items() if value != usual[name]},
        "gpu_config": {"type": start.gpu_type, "count": start.gpu_count},
        "max_cost": number(start.max_cost) if start.max_cost else None,
    }


def request(start: Start) -> dict[str, Any]:
    """The same for jobs.services.job_create. Raises InvalidJob likewise, and for a name that is too long."""
    if len(start.name) > form.NAME_LENGTH:
        raise InvalidJob.of_fields({"name": [f"Must have at most {form.NAME_LENGTH} characters."]})
    return {**configuration(start), "name": start.name, "sentinel": start.sentinel}


def complaints(details: Mapping[str, Any]) -> dict[str, str]:
    """The details of a refusal by the name of the control that each is about."""
    return {_control(path): " ".join(messages) for path, messages in details.items()}


def label(control: str) -> str:
    """What a control is called on the page."""
    if control in presets.FIELDS:
        return presets.FIELDS[control].label
    rules = {f"sentinel_{kind}": words for kind, (words, _) in sentinel.LABELS.items()}
    return {**_LABELS, **rules}.get(control, control)


def number(text: str) -> Any:
    """A number however people write it: "0,5", "1,000", "$20"; what is none stays text, to be refused."""
    plain = text.strip().removeprefix("$").strip()
    plain = plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain.replace(",", ".", 1)
    if not _NUMBER.fullmatch(plain) or not math.isfinite(value := float(plain)):
        return text
    return int(value) if value.is_integer() else value


def _value(field: presets.Field, text: Mapping[str, str]) -> Any:
    if field.is_flag:
        return field.name in text
    return text.get(field.name, "") if field.choices else number(text.get(field.name, ""))


def _known(preset: str) -> str:
    return preset if preset in presets.PRESETS else presets.DEFAULT_PRESET


def _check(start: Start) -> None:
    chosen = {"dataset_id": start.dataset, "base_model": start.base_model, "gpu_type": start.gpu_type}
    problems = {name: [_UNCHOSEN[name]] for name, value in chosen.items() if not value}
    for name, value in (("dataset_id", start.dataset), ("validation_dataset_id", start.validation_dataset)):
        if value and ids.parsed(value) is None:
            problems[name] = [_UNCHOSEN["dataset_id"]]
    if problems:
        raise InvalidJob.of_fields(problems)


def _control(path: str) -> str:
    name = path.rpartition(".")[2]
    return _CONTROLS.get(path, f"sentinel_{name}" if path.startswith("sentinel.") else name)
