"""A job's way through the phases, read from its timeline."""

from collections.abc import Iterable
from datetime import datetime

from jobs.models import JobEvent, TrainingJob
from jobs.monitor import phases
from jobs.monitor.phases import Phase


def way_of(job: TrainingJob, events: Iterable[JobEvent], *, now: datetime) -> list[Phase]:
    """The phases of the job's present attempt; `events` are the job's, oldest first."""
    moments = [phases.moment(event) for event in events if event.attempt == job.attempt]
    return phases.phases(moments, status=job.status, stage=job.current_stage, ended_at=job.completed_at, now=now)
