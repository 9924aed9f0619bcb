"""Rows as no step of ours leaves them: whatever they say, each job ends within a day, or says what it waits for."""

import re
import uuid
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import TrainingJob
from jobs.states import ACTIVE, Stage, Status
from tests.jobs.conftest import FAR, World, changed

pytestmark = pytest.mark.django_db

STAGES = (Stage.TRAINING.value, Stage.SUBMISSION_UNCONFIRMED.value, Stage.UPLOADING.value, "meditating")
ODD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no attempt": {"attempts": None},
    "no id": {"external_job_id": "", "attempts": {"external_job_id": ""}},
    "no id on the job": {"external_job_id": ""},
    "no id on the attempt": {"attempts": {"external_job_id": ""}},
    "no attempt and no id": {"external_job_id": "", "attempts": None},
    "another attempt": {"attempt": 7},
    "dead lease": {"lease_token": uuid.uuid4(), "lease_expires_at": timedelta(seconds=60)},
    "endless lease": {"lease_token": uuid.uuid4(), "lease_expires_at": FAR},
    "lease without end": {"lease_token": uuid.uuid4(), "lease_expires_at": None},
    "never due": {"next_poll_at": FAR, "next_attempt_at": FAR},
    "due for ever": {"next_poll_at": -FAR, "next_attempt_at": -FAR, "poll_failures": 40, "submit_failures": 40},
    "missing in future": {"missing_since": FAR},
    "ended there": {"cluster_result": "completed", "cluster_ended_at": None},
    "ended there oddly": {"cluster_result": "exploded", "cluster_ended_at": timedelta(0)},
    "no such cluster": {"cluster": "gone"},
    "unknown outcome": {"external_job_id": "", "attempts": {"outcome": "unknown", "external_job_id": ""}},
    "being sent": {"external_job_id": "", "attempts": {"outcome": "sending", "external_job_id": ""}},
    "never sent": {"external_job_id": "", "attempts": {"outcome": "not_sent", "external_job_id": ""}},
    "key without attempt": {"submission_key": "key", "external_job_id": "", "attempts": None},
    "cancel in future": {"cancel_requested_at": FAR, "cancel_sent_at": FAR},
    "unreadable request": {"attempts": {"request": ["not", "an", "object"]}},
}


def made_odd(job: TrainingJob, odd: dict[str, Any], now: datetime) -> None:
    values = {name: now + value if isinstance(value, timedelta) else value for name, value in odd.items()}
    attempts: Any = values.pop("attempts", {})
    if attempts is None:
        job.attempts.all().delete()
    elif attempts:
        job.attempts.update(**attempts)
    if values:
        TrainingJob.objects.filter(pk=job.pk).update(**values)


@pytest.mark.parametrize(
    "features", [None, ["lookup", "idempotent_submit", "batch_status"]], ids=["level 1", "level 2"]
)
def test_after_a_day_every_job_has_ended_or_says_what_it_waits_for(features: list[str] | None, world: World) -> None:
    world.cluster.features = features
    now, jobs = timezone.now(), {}
    dataset = world.queued(world.alice).dataset
    for number, (status, (name, odd)) in enumerate(product(sorted(ACTIVE), ODD.items())):
        stage = STAGES[(number + len(features or ())) % len(STAGES)]  # all of them against each status in turn
        external_id = f"{status}-{name}".replace(" ", "-")
        job = world.job(external_id, Status.RUNNING, current_stage=stage, dataset=dataset)
        changed(job, status=status, cancel_requested_at=now if status == Status.CANCELLING else None)
        made_odd(job, odd, now)
        world.cluster.says(external_id, "cancelled" if status == Status.CANCELLING else "completed")
        jobs[job.pk] = (status.value, stage, name)
    for minutes, every_s in ((6, 45), (60, 600), (26 * 60, 4 * 3600)):
        world.ticks(minutes=minutes, every_s=every_s)
        for external_id in world.cluster.jobs:  # what was submitted meanwhile ends as well
            if re.fullmatch(r"run-\d+", external_id):
                world.cluster.says(external_id, "completed")
    stuck = TrainingJob.objects.filter(pk__in=jobs, status__in=ACTIVE, waiting_for="")
    assert sorted(jobs[job.pk] for job in stuck) == []
