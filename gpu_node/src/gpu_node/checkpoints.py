"""Which of a run's checkpoints a resume could use, and which one goes to the bucket next. Pure."""

from gpu_node.executor import Executor, SavedCheckpoint
from gpu_node.jobs import Job


def wants_uploads(job: Job) -> bool:
    """Whether the control plane gave an address and a token to ask for upload URLs with."""
    return job.spec.callback_url is not None and job.spec.callback_token is not None


def resumable(executor: Executor, job: Job) -> list[SavedCheckpoint]:
    """Oldest first: those in the bucket, and those here of a job whose checkpoints go to no bucket."""
    if job.inputs is None or not executor.knows(job.external_id):
        return []
    here = not wants_uploads(job)
    saved = executor.checkpoints(job.external_id)
    return [each for each in saved if each.path in job.checkpoints_sent or (here and each.here)]


def pending(executor: Executor, job: Job) -> SavedCheckpoint | None:
    """The newest checkpoint that is here, unless it is in the bucket; older ones are not worth sending."""
    saved = [each for each in executor.checkpoints(job.external_id) if each.here]
    return saved[-1] if saved and saved[-1].path not in job.checkpoints_sent else None
