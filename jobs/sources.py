"""What a run is made from, as its cluster fetches it: dataset, validation file, base model, checkpoint.

`frozen` is what an order stands for, without addresses; `signed` adds fresh signed URLs to it. Listing a model
in storage is the only call to the network here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datasets.models import Dataset
from datasets.storage import open_store, signing
from datasets.storage.base import InvalidKey
from jobs import locations
from jobs.clusters.base import Capabilities, DatasetRef, ModelSource, RemoteFile, ResumePoint
from jobs.clusters.files import safe_path
from jobs.deliveries import BUCKET
from jobs.exceptions import InvalidJob
from jobs.models import BaseModel, Checkpoint, JobAttempt, TrainingJob

MAX_MODEL_FILES = 200
FILES = "files"  # a model that lies in storage: the cluster gets its files, not its address


@dataclass(frozen=True)
class Sources:
    """With signed URLs: a secret, made anew for each order."""

    dataset: DatasetRef
    validation: DatasetRef | None
    model: ModelSource | None
    resume_from: ResumePoint | None


def frozen(job: TrainingJob, checkpoint: Checkpoint | None) -> dict[str, Any]:
    """What an order of the job starts from, as JSON to keep with its intent. Raises InvalidJob."""
    return {
        "base_model": job.base_model.name,
        "base_model_source": described(job.base_model),
        "dataset_sha256": job.dataset.sha256,
        "validation_sha256": job.validation_dataset.sha256 if job.validation_dataset else None,
        "resume_from": {"external_job_id": _saved_by(checkpoint), "step": checkpoint.step} if checkpoint else None,
    }


def signed(job: TrainingJob, request: Mapping[str, Any], checkpoint: Checkpoint | None) -> Sources:
    """What `frozen` once said of the same checkpoint, with URLs that work now. Raises InvalidJob, StorageError."""
    source, resume = request.get("base_model_source"), request.get("resume_from")
    return Sources(
        dataset=dataset(job.dataset, request["dataset_sha256"]),
        validation=dataset(job.validation_dataset, request["validation_sha256"]) if job.validation_dataset else None,
        model=ModelSource(
            source["kind"],
            source["location"],
            model_files(source["location"]) if source["kind"] == FILES else (),
            source["licence"],
        )
        if source
        else None,
        resume_from=ResumePoint(resume["external_job_id"], resume["step"], checkpoint_files(checkpoint))
        if resume and checkpoint
        else None,
    )


def lacking(job: TrainingJob, capabilities: Capabilities) -> str:
    """Why this cluster would train something else than the job asks for, in a sentence; empty where it would not."""
    if job.resume_from_id and not capabilities.has("checkpoints"):
        return "This GPU cluster cannot go on from a checkpoint. Retry the job from its start instead."
    if job.validation_dataset_id and capabilities.level < 2:
        return "This GPU cluster takes no validation dataset. Leave it out."
    return ""


def described(model: BaseModel) -> dict[str, str]:
    """Where a base model comes from, in the words of the contract. Raises InvalidJob for a location that is none."""
    kind = str(model.source)
    if kind == BaseModel.Source.S3:
        _place(model.location)
        kind = FILES
    return {"kind": kind, "location": model.location, "licence": model.licence}


def dataset(row: Dataset, sha256: str) -> DatasetRef:
    """A dataset's file behind a signed GET. Raises StorageError."""
    url = signing.sign_download(bucket=row.storage_bucket, path=row.storage_path)
    return DatasetRef(url=url.url, sha256=sha256, bytes=row.file_size, url_expires_at=url.expires_at)


def model_files(location: str) -> tuple[RemoteFile, ...]:
    """The files of a model in storage. Raises InvalidJob where there are none or too many, StorageError."""
    bucket, prefix = _place(location)
    listed = open_store().list(bucket=bucket, prefix=prefix, limit=MAX_MODEL_FILES + 1).objects
    if len(listed) > MAX_MODEL_FILES:
        raise _invalid(location, f"holds more than {MAX_MODEL_FILES} files, so it is hardly a single model")
    found = [object for object in listed if not object.path.endswith("/")]
    if not found:
        raise _invalid(location, "is empty")
    try:
        return tuple(
            RemoteFile(
                safe_path(object.path.removeprefix(prefix)),
                object.size,
                signing.sign_download(bucket=bucket, path=object.path).url,
            )
            for object in found
        )
    except (ValueError, InvalidKey) as error:
        raise _invalid(location, f"holds a file that cannot be used: {error}") from error


def checkpoint_files(checkpoint: Checkpoint) -> tuple[RemoteFile, ...]:
    """A checkpoint's files in storage. Raises StorageError."""
    return tuple(
        RemoteFile(
            file["path"],
            file["size"],
            signing.sign_download(bucket=BUCKET, path=checkpoint.storage_prefix + file["path"]).url,
            file["sha256"] or None,
        )
        for file in checkpoint.files
    )


def _saved_by(checkpoint: Checkpoint) -> str:
    """The cluster's id of the run that saved it."""
    return JobAttempt.objects.values_list("external_job_id", flat=True).get(
        job=checkpoint.job_id, number=checkpoint.attempt
    )


def _place(location: str) -> tuple[str, str]:
    try:
        return locations.in_storage(location)
    except ValueError as error:
        raise _invalid(location, str(error)) from error


def _invalid(location: str, why: str) -> InvalidJob:
    message = f"The base model's location {location[:200]!r} {why}. The operator has to correct it in the admin."
    return InvalidJob.of_fields({"base_model": [message]})
