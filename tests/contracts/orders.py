"""What the tests order from a cluster."""

import uuid
from datetime import UTC, datetime
from typing import Any

from jobs.clusters.base import Capabilities, DatasetRef, Submission

LEVEL_1 = Capabilities(level=1)
LEVEL_2 = Capabilities(
    level=2,
    features=frozenset(
        {
            "idempotent_submit",
            "lookup",
            "batch_status",
            "metrics_cursor",
            "logs_cursor",
            "async_cancel",
            "billing",
            "heartbeat",
            "artifacts",
        }
    ),
)


def order(**changes: Any) -> Submission:
    """A small job, new each time."""
    job_id = str(changes.pop("job_id", uuid.uuid4()))
    fields: dict[str, Any] = {
        "job_id": job_id,
        "attempt": 1,
        "key": f"{job_id}:1",
        "dataset": DatasetRef(
            url="https://storage.example/chat.jsonl?X-Amz-Signature=secret-signature",
            sha256="ab" * 32,
            bytes=1234,
            url_expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ),
        "base_model": "org/base-7B",
        "hyperparameters": {"learning_rate": 2e-4, "batch_size": 4, "epochs": 3, "rank": 16, "alpha": 32},
        "gpu_type": "H100-80GB",
        "gpu_count": 1,
        "max_runtime_s": 3600,
        "labels": {"installation": "here", "job_id": job_id, "owner": "alice"},
    }
    return Submission(**fields | changes)
