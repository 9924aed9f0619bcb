"""What somebody who helps with a job needs to know of it, as named texts. No file of the data, no weights.

Everything passes jobs' redaction, whoever wrote it: a log line may hold what nobody meant to print.
"""

import json
import platform
from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Any

import django
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from accounts.secrets_of_settings import redact
from datasets import spreadsheet
from jobs import provenance, selectors, series
from jobs.models import Cluster, JobAttempt, TrainingJob

LAST_POINTS = 1000
_ATTEMPT = (
    *("number", "cluster", "external_job_id", "outcome", "restart", "state_seq", "end_reason"),
    *("sent_at", "submitted_at", "first_seen_running_at", "last_seen_at", "started_at", "ended_at", "heartbeat_at"),
    *("unconfirmed_since", "billable_seconds", "billing_source", "billing_final", "cost", "metrics_cursor"),
    *("sentinel_state", "checkpoints_reported", "request"),
)
_EVENT = ("id", "attempt", "kind", "from_status", "to_status", "actor", "message", "detail", "created_at")
README = """\
Diagnostics of the training job {id}, made at {now}.

job.json            the job as the API tells it
configuration.json  what it was made from; `request` makes it again
events.json         its timeline
attempts.json       each try at the cluster, with what was known of it
log.txt             the last lines of its log
metrics.csv         the last {points} points
versions.json       this installation and the cluster

Keys, tokens, passwords and signatures are replaced by [redacted]. Names of datasets, models and people are not.
"""


def files(job: TrainingJob, *, told: Mapping[str, Any], version: str, now: datetime) -> dict[str, str]:
    """File name → text. `told` is the job as the API tells it, `version` that of this product."""
    log = selectors.job_log(job)
    configuration = {"request": provenance.request(job), "provenance": provenance.provenance(job)}
    texts = {
        "README.txt": README.format(id=job.pk, now=now.isoformat(timespec="seconds"), points=LAST_POINTS),
        "job.json": _json(told),
        "configuration.json": _json(configuration),
        "events.json": _json(list(selectors.job_events(job).values(*_EVENT))),
        "attempts.json": _json(list(JobAttempt.objects.filter(job=job).order_by("number").values(*_ATTEMPT))),
        "log.txt": f"{log.tail}\n" if log and log.tail else "",
        "metrics.csv": _points(job),
        "versions.json": _json(_versions(job, version)),
    }
    return {name: redact(text) for name, text in texts.items()}


def _without_secrets(value: Any) -> Any:
    """The same with each text redacted by itself: written as JSON, its quotes are escaped and hide what they hold."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return value


def _versions(job: TrainingJob, version: str) -> dict[str, Any]:
    known = Cluster.objects.filter(name=job.cluster).first()
    return {
        "control_plane": version,
        "python": platform.python_version(),
        "django": django.get_version(),
        "database": connection.vendor,
        "cluster": {"name": job.cluster}
        if known is None
        else {
            "name": job.cluster,
            "level": known.level,
            "features": known.features,
            "simulated": known.simulated,
            "checked_at": known.checked_at,
            "consecutive_failures": known.consecutive_failures,
            "open_until": known.open_until,
            "last_error": known.last_error,
        },
    }


def _points(job: TrainingJob) -> str:
    return "".join(spreadsheet.pieces(chain([series.POINT_COLUMNS], series.last_points(job, LAST_POINTS))))


def _json(value: Any) -> str:
    return json.dumps(_without_secrets(value), indent=2, ensure_ascii=False, cls=DjangoJSONEncoder) + "\n"
