"""job.json: what to train. Read strictly, so that a misspelt key is an error and not a default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lora_trainer import SCHEMA
from lora_trainer.errors import SettingsInvalid
from lora_trainer.hyperparameters import Hyperparameters, read_hyperparameters


@dataclass(frozen=True)
class BaseModel:
    """`name` is the public one that the adapter will carry; `path` a local folder."""

    name: str
    path: Path
    licence: str | None


@dataclass(frozen=True)
class DataFile:
    path: Path
    sha256: str | None


@dataclass(frozen=True)
class ResumeFrom:
    """A checkpoint of another run."""

    path: Path
    step: int
    run_id: str | None


@dataclass(frozen=True)
class Job:
    run_id: str
    job_id: str
    base_model: BaseModel
    dataset: DataFile
    validation: DataFile | None
    hyperparameters: Hyperparameters
    device: Literal["cpu", "cuda"]
    device_count: int
    resume_from: ResumeFrom | None


def read_job(path: Path) -> Job:
    """The job in this file; raises SettingsInvalid with the key that is missing, unknown or of the wrong kind."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsInvalid(f"The job file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsInvalid(f"The job file {path} is not JSON: {error}.") from None
    keys = ("schema", "run_id", "job_id", "base_model", "dataset", "validation", "hyperparameters", "device")
    given = _object("the job", content, (*keys, "resume_from"), optional=("validation", "resume_from"))
    if given["schema"] != SCHEMA:
        raise SettingsInvalid(f"The job file has schema {given['schema']!r}; this trainer reads {SCHEMA}.")
    if not isinstance(given["hyperparameters"], dict):
        raise SettingsInvalid("The job file's hyperparameters must be an object.")
    device = _object("device", given["device"], ("kind", "count"))
    if device["kind"] not in ("cpu", "cuda"):
        raise SettingsInvalid(f"device.kind must be cpu or cuda, not {device['kind']!r}.")
    if not isinstance(device["count"], int) or isinstance(device["count"], bool) or device["count"] < 1:
        raise SettingsInvalid(f"device.count must be a whole number from 1, not {device['count']!r}.")
    base = _object("base_model", given["base_model"], ("name", "path", "licence"), optional=("licence",))
    return Job(
        run_id=_text("run_id", given["run_id"]),
        job_id=_text("job_id", given["job_id"]),
        base_model=BaseModel(_text("base_model.name", base["name"]), _path("base_model", base), base["licence"]),
        dataset=_data_file("dataset", given["dataset"]),
        validation=None if given["validation"] is None else _data_file("validation", given["validation"]),
        hyperparameters=read_hyperparameters(given["hyperparameters"]),
        device=device["kind"],
        device_count=device["count"],
        resume_from=None if given["resume_from"] is None else _resume_from(given["resume_from"]),
    )


def _data_file(name: str, value: Any) -> DataFile:
    given = _object(name, value, ("path", "sha256"), optional=("sha256",))
    return DataFile(_path(name, given), given["sha256"])


def _resume_from(value: Any) -> ResumeFrom:
    given = _object("resume_from", value, ("path", "step", "run_id"), optional=("run_id",))
    if not isinstance(given["step"], int):
        raise SettingsInvalid(f"resume_from.step must be a whole number, not {given['step']!r}.")
    return ResumeFrom(_path("resume_from", given), given["step"], given["run_id"])


def _object(name: str, value: Any, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """The value with every key of `keys`, optional ones being null if absent."""
    if not isinstance(value, dict):
        raise SettingsInvalid(f"In the job file {name} must be an object.")
    unknown = sorted(set(value) - set(keys))
    missing = [key for key in keys if key not in value and key not in optional]
    if unknown or missing:
        said = [f"unknown key {key}" for key in unknown] + [f"{key} is missing" for key in missing]
        raise SettingsInvalid(f"In the job file, {name}: {', '.join(said)}.")
    return {key: value.get(key) for key in keys}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsInvalid(f"In the job file {name} must be a text.")
    return value


def _path(name: str, given: Mapping[str, Any]) -> Path:
    path = Path(_text(f"{name}.path", given["path"]))
    if not path.is_absolute():
        raise SettingsInvalid(f"In the job file {name}.path must be absolute, not {path}.")
    if not path.exists():
        raise SettingsInvalid(f"{name}.path does not exist: {path}.")
    return path
