"""The intent of a submission, stored before the cluster is called, and the order that is made from it.

What the key stands for is frozen with it: a repeat is the same order, whatever an operator changed meanwhile.
"""

from typing import Any

from django.conf import settings
from django.utils import timezone

from jobs import budget, callbacks, lifecycle, sources
from jobs.clusters.base import Submission
from jobs.models import Checkpoint, Installation, JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reconcile import accept, billing
from jobs.states import Status


def store(lease: lifecycle.Lease, checkpoint: Checkpoint | None) -> JobAttempt | None:
    """Store what is about to be asked for, and where a new attempt begins; None where the job is no longer queued."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        if job.status != Status.QUEUED:
            return None
        attempt = job.attempts.filter(number=job.attempt).first()
        if attempt is None:
            attempt = JobAttempt(
                job=job,
                number=job.attempt,
                owner_id=job.owner_id,
                cluster=job.cluster,
                resume_from=checkpoint,
                submission_key=f"{job.pk}:{job.attempt}",
                request={
                    **sources.frozen(job, checkpoint),
                    "hyperparameters": job.hyperparameters,
                    "gpu_config": job.gpu_config,
                    **_time_limit(job),
                },
            )
        elif attempt.outcome in accept.OPEN:
            # Nobody knows what that try did, and a refusal of the next one will not tell.
            attempt.unconfirmed_since = attempt.unconfirmed_since or attempt.sent_at
        attempt.outcome = SubmitOutcome.SENDING
        attempt.sent_at = now
        attempt.save()
        job.submission_key = attempt.submission_key
        job.save(update_fields=["submission_key", "updated_at"])
        # The answer belongs to whoever asked: however slow it was so far, nobody takes over during the call.
        lifecycle.renew(lease, now=now)
        return attempt


def _time_limit(job: TrainingJob) -> dict[str, Any]:
    """How long the run may hold its GPUs at most: as the operator set it, or as long as the budget pays for."""
    longest = settings.JOB_MAX_RUNTIME_SECONDS
    rate = budget.rate(job.gpu_price_per_hour, job.gpu_config["count"])
    if job.max_cost is None or rate is None:
        return {"max_runtime_s": longest}
    paid = budget.seconds_paid(job.max_cost, billing.earlier(job), rate)
    if paid is None or paid >= longest:
        return {"max_runtime_s": longest}
    return {"max_runtime_s": paid, "max_runtime_by": "budget"}


def order(job: TrainingJob, attempt: JobAttempt, signed: sources.Sources) -> Submission:
    """What is sent: the frozen intent, with fresh URLs."""
    request = attempt.request
    url = callbacks.url(job.pk, attempt.number)
    installation, _ = Installation.objects.get_or_create(singleton=True)
    return Submission(
        job_id=str(job.pk),
        attempt=attempt.number,
        key=attempt.submission_key,
        dataset=signed.dataset,
        base_model=request["base_model"],
        hyperparameters=request["hyperparameters"],
        gpu_type=request["gpu_config"]["type"],
        gpu_count=request["gpu_config"]["count"],
        max_runtime_s=request["max_runtime_s"],
        labels={"installation": str(installation.pk), "job_id": str(job.pk), "owner": job.owner.get_username()},
        callback_url=url,
        callback_token=callbacks.token(job.pk, attempt.number) if url else None,
        base_model_source=signed.model,
        validation=signed.validation,
        resume_from=signed.resume_from,
    )
