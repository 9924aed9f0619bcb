"""Rows that contradict themselves, put right before anybody works with them.

No step leaves such rows behind: each is one transaction. But a restored backup, an older version or a hand in the
database may, and a job that nothing moves and nobody sees would be worse than one that ends with a reason.
"""

import logging

from django.utils import timezone

from jobs import lifecycle
from jobs.clusters.base import ClusterError
from jobs.lifecycle import Lease
from jobs.models import JobAttempt, TrainingJob
from jobs.models.job import SubmitOutcome
from jobs.reconcile import accept, gate

logger = logging.getLogger(__name__)


def attempt_of(job: TrainingJob) -> JobAttempt | None:
    """The job's current attempt, made again where only the job itself remembers it; None if nothing was ever sent."""
    attempt = job.attempts.filter(number=job.attempt).first()
    if attempt is not None or not job.external_job_id:
        return attempt
    logger.warning("Job %s had no row for its attempt %d", job.short_id, job.attempt)
    attempt, _ = JobAttempt.objects.get_or_create(
        job=job,
        number=job.attempt,
        defaults={
            "owner_id": job.owner_id,
            "cluster": job.cluster,
            "submission_key": f"{job.pk}:{job.attempt}",
            "request": {},
            "outcome": SubmitOutcome.ACCEPTED,
            "external_job_id": job.external_job_id,
            "sent_at": timezone.now(),
            "resume_from": job.resume_from,
        },
    )
    return attempt


def find_run(door: gate.Gate, lease: Lease) -> bool:
    """Find out under which id the cluster runs a job that has been accepted; whether that is known now."""
    with lifecycle.locked(lease) as job:
        attempt = attempt_of(job)
        external_id = job.external_job_id or (attempt.external_job_id if attempt else "")
    if not external_id and attempt is not None:
        try:
            external_id = accept.find(door, attempt) or ""
        except ClusterError as error:
            gate.note_failure(door.name, error, about=str(lease.job_id))
    if external_id:
        accept.accepted(lease, external_id)
    return bool(external_id)
