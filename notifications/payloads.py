"""What goes over the wire for one event: made once, stored, and the same at every try. No secret is in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from datasets.models import Dataset
from datasets.moments import moment
from jobs.models import Alert, TrainingJob
from notifications.kinds import JOBS_ENDED
from notifications.rules import Notice

MOST_JOBS = 100  # told one by one in one message


def payload(notice: Notice, *, at: datetime, about: dict[str, Any]) -> dict[str, Any]:
    """{type, timestamp, data}; `about` is what the event is about, such as {"job": {…}}."""
    data = {
        "title": notice.title,
        "message": notice.message,
        "priority": notice.priority,
        "url": address(notice.action_url),
        **about,
    }
    return {"type": notice.type, "timestamp": moment(at), "data": data}


def gathered(ends: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One payload of those of several ends of jobs, the newest last: at most MOST_JOBS of them one by one."""
    jobs = [{**end["data"]["job"], "title": end["data"]["title"], "message": end["data"]["message"]} for end in ends]
    counts = Counter(job["status"] for job in jobs)
    outcome = ", ".join(
        f"{counts[status]} {status}" for status in ("completed", "failed", "cancelled") if counts[status]
    )
    cost = sum((Decimal(str(job["final_cost"] or 0)) for job in jobs), Decimal("0.00"))
    several = len(jobs) > 1
    data = {
        "title": f"Your {len(jobs)} jobs have ended: {outcome}" if several else f"{jobs[0]['title']}: it was your last",
        "message": f"None of your jobs is active any more. {'Together they' if several else 'It'} cost ${cost:,.2f}.",
        "priority": "high",
        "url": address("/training/jobs") if several else ends[-1]["data"]["url"],
        "jobs": jobs[-MOST_JOBS:],
        "jobs_ended": len(jobs),
    }
    return {"type": JOBS_ENDED, "timestamp": ends[-1]["timestamp"], "data": data}


def address(path: str) -> str | None:
    """A path of ours as people reach it; None where nobody told us how (SITE_URL)."""
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL and path else None


def of_job(job: TrainingJob, *, status: str) -> dict[str, Any]:
    """A job as it was left by the event: `status` is the event's where it has one."""
    return {
        "job": {
            "id": str(job.pk),
            "name": job.name,
            "status": status or job.status,
            "dataset_id": str(job.dataset_id),
            "attempt": job.attempt,
            "current_cost": float(job.current_cost),
            "final_cost": None if job.final_cost is None else float(job.final_cost),
            "error_code": job.error_code or None,
        }
    }


def of_dataset(dataset: Dataset) -> dict[str, Any]:
    return {"dataset": {"id": str(dataset.pk), "name": dataset.name, "status": dataset.status}}


def of_alert(alert: Alert) -> dict[str, Any]:
    return {"alert": {"id": alert.pk, "kind": alert.kind, "subject": alert.subject}}


def sample(at: datetime) -> dict[str, Any]:
    """What the test button sends."""
    data = {
        "title": "This is a test",
        "message": "Sent by the test button. No job is concerned.",
        "priority": "low",
        "url": address("/settings/notifications"),
    }
    return {"type": "test", "timestamp": moment(at), "data": data}
