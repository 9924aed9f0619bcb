"""The body of `POST /training/submit`, checked and turned into a JobSpec. Pure.

Both forms are read: level 1's `dataset_url` and level 2's `dataset{url, sha256, bytes}`. Fields that this
node does not know are ignored; which hyperparameters it takes is the executor's business.
"""

import math
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import urlsplit

from gpu_node.spec import (
    Dataset,
    FieldProblem,
    InvalidOrder,
    JobSpec,
    ModelSource,
    RemoteFile,
    ResumeFrom,
    SourceKind,
)

MAX_TEXT = 4096
MAX_FILES = 1000
SOURCE_KINDS = ("folder", "hub", "package", "files")


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

    def whole(self, source: dict[str, Any], key: str, name: str, *, least: int = 0) -> int | None:
        value = self.number(source, key, name, least=least, whole=True)
        return None if value is None else int(value)

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

    def files(self, source: dict[str, Any], name: str) -> tuple[RemoteFile, ...]:
        """The `files` below `name`: relative paths that stay inside a folder, http addresses, sizes."""
        listed = source.get("files")
        if listed is None:
            return ()
        if not isinstance(listed, list) or len(listed) > MAX_FILES:
            self.refuse(f"{name}.files", f"must be a list of at most {MAX_FILES} files")
            return ()
        return tuple(self._file(entry, f"{name}.files[{index}]") for index, entry in enumerate(listed))

    def _file(self, entry: object, name: str) -> RemoteFile:
        if not isinstance(entry, dict):
            self.refuse(name, "must be an object {path, url, size}")
            return RemoteFile("", "", 0)
        path = self.text(entry, "path", f"{name}.path", required=True) or ""
        if path and not stays_inside(path):
            self.refuse(f"{name}.path", "must be a relative path without . and ..")
        url = self.address(entry, "url", f"{name}.url", required=True) or ""
        size = self.whole(entry, "size", f"{name}.size")
        if size is None and entry.get("size") is None:
            self.refuse(f"{name}.size", "must be the file's size in bytes")
        return RemoteFile(path, url, size or 0, self.text(entry, "sha256", f"{name}.sha256"))


def stays_inside(path: str) -> bool:
    """Whether a relative path of forward slashes names something below the folder it is put in."""
    parts = PurePosixPath(path).parts
    return bool(parts) and "\\" not in path and not {"/", "..", "."} & set(parts)


def read_files(answer: object) -> tuple[RemoteFile, ...]:
    """The files of a callback's answer {files: [{path, url, size, sha256?}]}; raises InvalidOrder."""
    read = _Reader([])
    files = read.files(answer, "answer") if isinstance(answer, dict) else ()
    if read.problems or not files:
        raise InvalidOrder(read.problems or [FieldProblem("files", "must be a list of files")])
    return files


def read_order(body: object) -> JobSpec:
    """The order in a decoded JSON body; raises InvalidOrder with every problem found."""
    if not isinstance(body, dict):
        raise InvalidOrder([FieldProblem("body", "must be a JSON object")])
    problems: list[FieldProblem] = []
    read = _Reader(problems)
    gpus = read.mapping(body, "gpu_config", "gpu_config")
    limits = read.mapping(body, "limits", "limits")
    dataset = _dataset(read, body, "dataset")
    if dataset is None:
        dataset = Dataset(read.address(body, "dataset_url", "dataset_url", required=True) or "")
    name = read.text(body, "base_model", "base_model", required=True) or ""
    spec = JobSpec(
        job_id=read.text(body, "job_id", "job_id", required=True) or "",
        attempt=read.whole(body, "attempt", "attempt", least=1) or 1,
        base_model=name,
        hyperparameters=_hyperparameters(read, body),
        gpu_type=read.text(gpus, "type", "gpu_config.type", required=True) or "",
        gpu_count=read.whole(gpus, "count", "gpu_config.count", least=1) or 1,
        dataset=dataset or Dataset(""),
        max_runtime_s=read.number(limits, "max_runtime_s", "limits.max_runtime_s", least=1, whole=False),
        resume_from=_resume_from(read, body),
        callback_url=read.address(body, "callback_url", "callback_url"),
        callback_token=read.text(body, "callback_token", "callback_token"),
        labels={str(key): str(value) for key, value in read.mapping(body, "labels", "labels").items()},
        base_model_source=_model_source(read, body, name),
        validation=_dataset(read, body, "validation_dataset"),
    )
    if problems:
        raise InvalidOrder(problems)
    return spec


def _dataset(read: _Reader, body: dict[str, Any], key: str) -> Dataset | None:
    given = read.mapping(body, key, key)
    if not given:
        return None
    return Dataset(
        url=read.address(given, "url", f"{key}.url", required=True) or "",
        sha256=read.text(given, "sha256", f"{key}.sha256"),
        bytes=read.whole(given, "bytes", f"{key}.bytes"),
    )


def _resume_from(read: _Reader, body: dict[str, Any]) -> ResumeFrom | None:
    given = read.mapping(body, "resume_from", "resume_from")
    if not given:
        return None
    step, files = read.whole(given, "step", "resume_from.step"), read.files(given, "resume_from")
    if files and step is None:
        read.refuse("resume_from.step", "must tell the step of the checkpoint whose files are given")
    external_id = read.text(given, "external_job_id", "resume_from.external_job_id", required=True)
    return ResumeFrom(external_id or "", step, files)


def _model_source(read: _Reader, body: dict[str, Any], name: str) -> ModelSource | None:
    given = read.mapping(body, "base_model_source", "base_model_source")
    if not given:
        return None
    kind = given.get("kind")
    if kind not in SOURCE_KINDS:
        read.refuse("base_model_source.kind", f"must be one of {', '.join(SOURCE_KINDS)}")
        return None
    files = read.files(given, "base_model_source")
    if kind == "files" and not files:
        read.refuse("base_model_source.files", "must list the files of the model")
    return ModelSource(
        name,
        cast(SourceKind, kind),
        read.text(given, "location", "base_model_source.location", required=True) or "",
        files,
        read.text(given, "licence", "base_model_source.licence"),
    )


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
    "eval_steps": 0,
    "save_steps": 0,
    "max_steps": 0,
    "max_length": 1,
    "validation_split": 0.0,
    "warmup_ratio": 0.0,
}
_WHOLE = {
    "batch_size",
    "rank",
    "lora_rank",
    "gradient_accumulation_steps",
    "logging_steps",
    "eval_steps",
    "save_steps",
    "max_steps",
    "max_length",
}


def _hyperparameters(read: _Reader, body: dict[str, Any]) -> dict[str, Any]:
    given = read.mapping(body, "hyperparameters", "hyperparameters")
    for name in _LEAST.keys() & given.keys():
        read.number(given, name, f"hyperparameters.{name}", least=_LEAST[name], whole=name in _WHOLE)
    return given


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
