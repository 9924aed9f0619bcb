"""What goes out: the body and headers of a submit, as far as the cluster understands them. Pure."""

from collections.abc import Sequence
from typing import Any

from jobs.clusters.base import Capabilities, DatasetRef, ModelSource, RemoteFile, Submission


def body(submission: Submission, capabilities: Capabilities) -> dict[str, Any]:
    """Level 1 gets its own fields only; labels and sources come with level 2, the rest with `idempotent_submit`."""
    order: dict[str, Any] = {
        "job_id": submission.job_id,
        "dataset_url": submission.dataset.url,
        "base_model": submission.base_model,
        "hyperparameters": dict(submission.hyperparameters),
        "gpu_config": {"type": submission.gpu_type, "count": submission.gpu_count},
    }
    if submission.callback_url is not None:
        order["callback_url"] = submission.callback_url
    if capabilities.level >= 2:
        order |= {"labels": dict(submission.labels), **_sources(submission)}
    if capabilities.has("idempotent_submit"):
        order |= {
            "attempt": submission.attempt,
            "dataset": _dataset(submission.dataset),
            "limits": {"max_runtime_s": submission.max_runtime_s},
        }
        if submission.callback_token is not None:
            order["callback_token"] = submission.callback_token
    return order


def headers(submission: Submission, capabilities: Capabilities) -> dict[str, str]:
    return {"Idempotency-Key": submission.key} if capabilities.has("idempotent_submit") else {}


def _sources(submission: Submission) -> dict[str, Any]:
    """What a run starts from besides its dataset; only what there is."""
    sources: dict[str, Any] = {}
    if submission.base_model_source is not None:
        sources["base_model_source"] = _model(submission.base_model_source)
    if submission.validation is not None:
        sources["validation_dataset"] = _dataset(submission.validation)
    if (resume := submission.resume_from) is not None:
        sources["resume_from"] = {"external_job_id": resume.external_job_id, "step": resume.step}
        if resume.files:
            sources["resume_from"]["files"] = files(resume.files)
    return sources


def _dataset(ref: DatasetRef) -> dict[str, Any]:
    return {
        "url": ref.url,
        "sha256": ref.sha256,
        "bytes": ref.bytes,
        "url_expires_at": ref.url_expires_at.isoformat(),
    }


def _model(source: ModelSource) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": source.kind, "location": source.location}
    if source.files:
        told["files"] = files(source.files)
    if source.licence:
        told["licence"] = source.licence
    return told


def files(remote: Sequence[RemoteFile]) -> list[dict[str, Any]]:
    """Files to fetch, each with its hash where it is known."""
    return [
        {"path": file.path, "url": file.url, "size": file.size, **({"sha256": file.sha256} if file.sha256 else {})}
        for file in remote
    ]
