"""What can go wrong when a user asks something of a job. `kind` decides the HTTP status (lora_pipeline.api_errors)."""

from typing import Any


class JobError(Exception):
    """Base: a stable `code` for programs, a `message` for people, `details` by field where there are any."""

    code = "job_error"
    kind = "invalid"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class InvalidJob(JobError):
    """A field is missing, unknown or out of range; `details` is {field: [messages]}."""

    code = "invalid_job"

    @classmethod
    def of_fields(cls, problems: dict[str, list[str]]) -> "InvalidJob":
        """The error of all these fields; its message is the first sentence of each."""
        sentences = (f"{field}: {messages[0]}" for field, messages in problems.items())
        return cls("; ".join(sentences), details=problems)


class JobNotFound(JobError):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such training job.")


class ArtifactNotFound(JobError):
    code = "artifact_not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("This job has no artifact: it has not completed, or its cluster hands no files over.")


class JobConflict(JobError):
    """The job's status does not allow what was asked."""

    code = "job_conflict"
    kind = "conflict"


class IdempotencyConflict(JobError):
    """The key was used for another request; `details` name the job that it made."""

    code = "idempotency_conflict"
    kind = "conflict"

    def __init__(self, job_id: str, name: str) -> None:
        message = f"This Idempotency-Key was already used for another request: it made the job {name}."
        super().__init__(message, details={"job_id": job_id, "name": name})


class BrokerUnavailable(JobError):
    """Work could not be handed to the workers."""

    code = "broker_unavailable"
    kind = "unavailable"

    def __init__(self) -> None:
        super().__init__("The broker cannot be reached, so no work was handed out. Check REDIS_URL and the broker.")
