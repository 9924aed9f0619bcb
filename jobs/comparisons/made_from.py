"""What each of some jobs was made from, read in a fixed number of queries."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.models import JobAttempt, ModelArtifact, TrainingJob


@dataclass(frozen=True)
class MadeFrom:
    """A job with the SHA-256 of the files that its cluster was given (before any submission, of the present ones)
    and the versions that trained it, {} where they are not known."""

    job: TrainingJob
    dataset_sha256: str
    validation_sha256: str
    versions: dict[str, str]


def made_from(jobs: Sequence[TrainingJob]) -> list[MadeFrom]:
    """In the order of `jobs`, as selectors.jobs_of reads them."""
    attempts = JobAttempt.objects.filter(job__in=jobs).order_by("number")
    asked: dict[uuid.UUID, dict[str, Any]] = dict(attempts.values_list("job_id", "request"))  # the last one stays
    artifacts = ModelArtifact.objects.filter(job__in=jobs).values_list("job_id", "configuration")
    kept: dict[uuid.UUID, dict[str, Any]] = dict(artifacts)
    return [_of(job, asked.get(job.pk) or {}, kept.get(job.pk) or {}) for job in jobs]


def _of(job: TrainingJob, asked: dict[str, Any], kept: dict[str, Any]) -> MadeFrom:
    held_out = job.validation_dataset
    return MadeFrom(
        job=job,
        dataset_sha256=str(asked.get("dataset_sha256") or job.dataset.sha256),
        validation_sha256=str(asked.get("validation_sha256") or held_out.sha256) if held_out else "",
        versions=dict(kept.get("versions") or {}),
    )
