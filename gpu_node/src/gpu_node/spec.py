"""A submitted order: the body of `POST /training/submit`, checked and frozen. Pure.

Both forms are read: level 1's `dataset_url` and level 2's `dataset{url, sha256, bytes}`. Fields that this
node does not know are ignored, hyperparameters it does not know are kept.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

MAX_TEXT = 4096


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field, in words for the person who filled it."""

    field: str
    message: str


class InvalidOrder(Exception):
    """The body cannot be run; `problems` names every field that is wrong."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Dataset:
    """Where the training data is; hash and size are None when the control plane does not tell (level 1)."""

    url: str = field(repr=False)
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class JobSpec:
    """What the control plane wants run. URL, token and labels may differ between two tries of one order."""

    job_id: str
    attempt: int
    base_model: str
    hyperparameters: dict[str, Any]
    gpu_type: str
    gpu_count: int
    dataset: Dataset
    max_runtime_s: float | None = None
    resume_from: str | None = None
    callback_url: str | None = None
    callback_token: str | None = field(default=None, repr=False)
    labels: dict[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Hash of the fields that must not differ when an idempotency key is used again."""
        compared = {
            "job_id": self.job_id,
            "attempt": self.attempt,
            "base_model": self.base_model,
            "hyperparameters": self.hyperparameters,
            "gpu_config": {"type": self.gpu_type, "count": self.gpu_count},
            "dataset_sha256": self.dataset.sha256,
            "limits": {"max_runtime_s": self.max_runtime_s},
            "resume_from": self.resume_from,
        }
        return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


class _Reader:
    """Reads typed fields out of a JSON object and collects what is wrong with them."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(FieldProblem(name, message))

    def text(self, source: dict[str, Any], key: str, name: str, *, required: bool = False) -> str | None:
        value = source.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT or "\x00" in value:
            self.refuse(name, f"must be a text of 1 to {MAX_TEXT} characters")
            return None
        return value

    def number(
        self, source: dict[str, Any], key: str, name: str, *, least: float, whole: bool
    ) -> float | None:
        value = source.get(key)
        if value is None:
            return None
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not fits or value < least or (whole and value != int(value)):
            self.refuse(name, f"must be {'a whole number' if whole else 'a number'} of at least {least:g}")
            return None
        return float(value)

    def mapping(self, source: dict[str, Any], key: str, name: str) -> dict[str, Any]:
        value = source.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(name, "must be an object")
            return {}
        return value

    def address(self, source: dict[str, Any], key: str, name: str, *, required: bool = False) -> str | None:
        value = self.text(source, key, name, required=required)
        if value is not None and not _is_http(value):
            self.refuse(name, "must be an http or https URL")
            return None
        return value


def read_order(body: object) -> JobSpec:
    """The order in a decoded JSON body; raises InvalidOrder with every problem found."""
    if not isinstance(body, dict):
        raise InvalidOrder([FieldProblem("body", "must be a JSON object")])
    problems: list[FieldProblem] = []
    read = _Reader(problems)
    dataset = read.mapping(body, "dataset", "dataset")
    gpus = read.mapping(body, "gpu_config", "gpu_config")
    limits = read.mapping(body, "limits", "limits")
    resume = read.mapping(body, "resume_from", "resume_from")
    url = (
        read.address(dataset, "url", "dataset.url", required=True)
        if dataset
        else read.address(body, "dataset_url", "dataset_url", required=True)
    )
    size = read.number(dataset, "bytes", "dataset.bytes", least=0, whole=True)
    count = read.number(gpus, "count", "gpu_config.count", least=1, whole=True)
    attempt = read.number(body, "attempt", "attempt", least=1, whole=True)
    spec = JobSpec(
        job_id=read.text(body, "job_id", "job_id", required=True) or "",
        attempt=int(attempt or 1),
        base_model=read.text(body, "base_model", "base_model", required=True) or "",
        hyperparameters=_hyperparameters(read, body),
        gpu_type=read.text(gpus, "type", "gpu_config.type", required=True) or "",
        gpu_count=int(count or 1),
        dataset=Dataset(
            url=url or "",
            sha256=read.text(dataset, "sha256", "dataset.sha256"),
            bytes=None if size is None else int(size),
        ),
        max_runtime_s=read.number(limits, "max_runtime_s", "limits.max_runtime_s", least=1, whole=False),
        resume_from=read.text(
            resume, "external_job_id", "resume_from.external_job_id", required=bool(resume)
        ),
        callback_url=read.address(body, "callback_url", "callback_url"),
        callback_token=read.text(body, "callback_token", "callback_token"),
        labels={str(key): str(value) for key, value in read.mapping(body, "labels", "labels").items()},
    )
    if problems:
        raise InvalidOrder(problems)
    return spec


# The hyperparameters every executor needs, with the least value that makes sense.
_LEAST = {
    "learning_rate": 0.0,
    "batch_size": 1,
    "epochs": 0.01,
    "rank": 1,
    "lora_rank": 1,
    "alpha": 0.0,
    "dropout": 0.0,
    "gradient_accumulation_steps": 1,
    "logging_steps": 1,
    "eval_steps": 1,
}


def _hyperparameters(read: _Reader, body: dict[str, Any]) -> dict[str, Any]:
    given = read.mapping(body, "hyperparameters", "hyperparameters")
    whole = {"batch_size", "rank", "lora_rank", "gradient_accumulation_steps", "logging_steps", "eval_steps"}
    for name in _LEAST.keys() & given.keys():
        read.number(given, name, f"hyperparameters.{name}", least=_LEAST[name], whole=name in whole)
    return given


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
