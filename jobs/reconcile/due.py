"""What a processing cycle has to look at: due rows, oldest first. Reads only, but for the cycle's own row."""

import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from jobs import lifecycle
from jobs.models import CycleRun, JobAttempt, JobLog, TrainingJob
from jobs.reconcile.backoff import due_in
from jobs.states import ACTIVE, TERMINAL, Status

logger = logging.getLogger(__name__)

# A tick that comes a moment early still finds what is due in its slot.
EARLY = 0.1
# A log or a checkpoint that could not be kept in storage is tried again for a day.
ARCHIVE_AGAIN_AFTER = timedelta(minutes=2)
ARCHIVE_FOR = timedelta(days=1)
AT_ONCE = 200


@dataclass(frozen=True)
class Due:
    submit: list[uuid.UUID]
    poll: list[uuid.UUID]
    release: list[uuid.UUID]
    collect: list[uuid.UUID]
    archive: list[uuid.UUID]
    fetch: list[uuid.UUID]

    def counts(self) -> dict[str, int]:
        """Numbers for people: jobs by what is done with them."""
        return {
            "queued": len(self.submit),
            "running": len(self.poll),
            "cancelling": len(self.release),
            "finalizing": len(self.collect),
        }


def select(now: datetime) -> Due:
    """The jobs that are due at `now` and that nobody works on. Notes that a cycle ran."""
    logger.info("Starting job processing cycle")
    free = TrainingJob.objects.filter(lifecycle.is_free(now))
    soon = now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS * EARLY)
    due = free.filter(due_in("next_poll_at", soon))
    at_cluster = due.filter(cluster_result="")
    found = Due(
        submit=_ids(free.filter(due_in("next_attempt_at", now), status=Status.QUEUED), "next_attempt_at"),
        poll=_ids(at_cluster.filter(status__in=[Status.INITIALIZING, Status.RUNNING]), "next_poll_at"),
        release=_ids(at_cluster.filter(status=Status.CANCELLING), "next_poll_at"),
        collect=_ids(
            due.filter(status__in=[Status.INITIALIZING, Status.RUNNING, Status.CANCELLING]).exclude(cluster_result=""),
            "next_poll_at",
        ),
        archive=list(
            JobLog.objects.filter(
                storage_path="",
                job__status__in=TERMINAL,
                job__completed_at__gte=now - ARCHIVE_FOR,
                updated_at__lte=now - ARCHIVE_AGAIN_AFTER,
            ).values_list("job_id", flat=True)[:AT_ONCE]
        ),
        fetch=with_new_checkpoints(now),
    )
    logger.info("Processing %d queued jobs", len(found.submit))
    logger.info("Updating %d running jobs", len(found.poll))
    CycleRun.objects.update_or_create(singleton=True, defaults={"started_at": now, "counts": found.counts()})
    return found


def with_new_checkpoints(now: datetime, among: Collection[uuid.UUID | str] | None = None) -> list[uuid.UUID]:
    """Jobs, or those of `among`, whose cluster says that it has more checkpoints in storage than we know of."""
    attempts = _attempts_with_new_checkpoints().filter(
        Q(job__status__in=ACTIVE) | Q(job__completed_at__gte=now - ARCHIVE_FOR)
    )
    if among is not None:
        attempts = attempts.filter(job__pk__in=among)
    return list(attempts.values_list("job_id", flat=True)[:AT_ONCE])


@cache
def _attempts_with_new_checkpoints() -> QuerySet[JobAttempt]:
    """Present attempts, or those before one that is still to be sent. Put together once: every poll asks."""
    attempts = JobAttempt.objects.filter(
        Q(number=F("job__attempt")) | Q(number=F("job__attempt") - 1, job__external_job_id=""),
        checkpoints_reported__gt=0,
    )
    known = Count("job__checkpoints", filter=Q(job__checkpoints__attempt=F("number")))
    return attempts.annotate(known=known).filter(checkpoints_reported__gt=F("known")).order_by("job_id")


def _ids(jobs: QuerySet[TrainingJob], order: str) -> list[uuid.UUID]:
    return list(jobs.order_by(order).values_list("pk", flat=True))
