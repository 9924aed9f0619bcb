"""Files that a cluster delivers itself: where in `lora-models` they may go, and the signed URLs to put them there."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasets.storage import signing
from datasets.storage.base import InvalidKey
from datasets.storage.keys import clean_key
from jobs.clusters.files import safe_path
from jobs.exceptions import InvalidJob, JobConflict
from jobs.models import TrainingJob

BUCKET = "lora-models"
MAX_FILES = 1000
MAX_FILE_BYTES = 5 * 1024**3  # what one signed PUT can carry
MAX_TOTAL_BYTES = 50 * 1024**3


def prefix(job: TrainingJob, attempt: int) -> str:
    """Where the files of that attempt of the job lie: `{owner}/{job}/{attempt}/`."""
    return f"{job.owner.get_username()}/{job.pk}/{attempt}/"


def log_path(job: TrainingJob) -> str:
    """Where the whole log of the job's current attempt lies: outside of `prefix`, where no cluster may write."""
    return f"{job.owner.get_username()}/{job.pk}/logs/{job.attempt}.log"


def upload_tickets(job: TrainingJob, attempt: int, files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One signed PUT for each of an attempt's `files` {path, size, sha256}. Raises InvalidJob, JobConflict."""
    if job.is_terminal:
        raise JobConflict(f"The job is {job.status}: no more files are taken.", details={"status": job.status})
    if len(files) > MAX_FILES:
        raise InvalidJob(f"At most {MAX_FILES} files, not {len(files)}.", details={"files": ["too many"]})
    if sum(file["size"] for file in files) > MAX_TOTAL_BYTES or any(f["size"] > MAX_FILE_BYTES for f in files):
        raise InvalidJob(f"At most {MAX_FILE_BYTES} bytes a file and {MAX_TOTAL_BYTES} in all.")
    return [_ticket(prefix(job, attempt), file) for file in files]


def _ticket(prefix: str, file: Mapping[str, Any]) -> dict[str, Any]:
    try:
        path = clean_key(prefix + safe_path(file["path"]))
    except (ValueError, InvalidKey) as error:
        raise InvalidJob(f"files.path: {error}", details={"files.path": [str(error)]}) from error
    ticket = signing.sign_upload(bucket=BUCKET, path=path, size=file["size"], content_type="application/octet-stream")
    return {
        "path": file["path"],
        "method": ticket.method,
        "url": ticket.url,
        "headers": ticket.headers,
        "expires_at": ticket.expires_at,
    }
