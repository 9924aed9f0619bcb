"""Is the processing cycle alive? Beat starts it, a worker runs it; readiness, pages and the API ask here."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from datasets.storage.diagnose import Finding
from jobs.models import CycleRun

TASK = "jobs.process_training_jobs"
NAME = "last cycle"
ADVICE = "Start `celery -A lora_pipeline beat` and a worker of the queue control, and read their logs."
STARTING = timedelta(minutes=2)

_process_started = timezone.now()


def is_starting() -> bool:
    """Whether this process is so young that a first cycle may still be awaited."""
    return timezone.now() - _process_started < STARTING


def finding(*, starting: bool) -> Finding:
    """Whether it ran lately: within three intervals and half a minute. One that never ran is fine while `starting`."""
    schedule = PeriodicTask.objects.select_related("interval").filter(task=TASK).first()
    last = CycleRun.objects.values_list("started_at", flat=True).first()
    if schedule is not None and not schedule.enabled:
        return Finding(NAME, False, "switched off", f"Enable the periodic task {schedule.name!r} in the admin.")
    if last is None:
        return Finding(NAME, starting, "starting" if starting else "none has run yet", "" if starting else ADVICE)
    age = timezone.now() - last
    message = f"started {_ago(age)} ago"
    if age > 3 * _interval(schedule) + timedelta(seconds=30):
        return Finding(NAME, False, message, ADVICE)
    return Finding(NAME, True, message)


def _interval(schedule: PeriodicTask | None) -> timedelta:
    """How often the cycle runs: as the admin says, else as the settings do."""
    if schedule is not None and schedule.interval is not None:
        interval: timedelta = schedule.interval.schedule.run_every
        return interval
    return timedelta(seconds=settings.POLL_INTERVAL_SECONDS)


def _ago(age: timedelta) -> str:
    """In the unit that a person would use."""
    seconds = max(0, round(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 2 * 3600 else f"{seconds // 3600} h"
