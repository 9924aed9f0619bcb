"""What goes out: the body and headers of a submit, as far as the cluster understands them. Pure."""

from typing import Any

from jobs.clusters.base import Capabilities, Submission


def body(submission: Submission, capabilities: Capabilities) -> dict[str, Any]:
    """Level 1 gets its own fields only; labels come with level 2, the rest with `idempotent_submit`."""
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
        order["labels"] = dict(submission.labels)
    if capabilities.has("idempotent_submit"):
        order |= {
            "attempt": submission.attempt,
            "dataset": {
                "url": submission.dataset.url,
                "sha256": submission.dataset.sha256,
                "bytes": submission.dataset.bytes,
                "url_expires_at": submission.dataset.url_expires_at.isoformat(),
            },
            "limits": {"max_runtime_s": submission.max_runtime_s},
        }
        if submission.callback_token is not None:
            order["callback_token"] = submission.callback_token
    return order


def headers(submission: Submission, capabilities: Capabilities) -> dict[str, str]:
    return {"Idempotency-Key": submission.key} if capabilities.has("idempotent_submit") else {}
