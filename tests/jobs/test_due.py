"""What a cycle finds: every job that is due and that nobody works on, in one list each, the oldest first."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import lifecycle, reconcile
from jobs.models import CycleRun, JobAttempt, JobLog, TrainingJob
from jobs.states import ACTIVE, TERMINAL, Status
from tests import factories
from tests.jobs.conftest import at_cluster

pytestmark = pytest.mark.django_db

SOON = timedelta(seconds=2)
LATER = timedelta(seconds=20)


def a_job(owner: User, status: Status, **changes: Any) -> TrainingJob:
    now = timezone.now()
    return factories.job(owner, status, **{"next_attempt_at": now, "next_poll_at": now, **changes})


def found() -> dict[str, list[Any]]:
    due = reconcile.select(timezone.now())
    return {"submit": due.submit, "poll": due.poll, "release": due.release, "collect": due.collect}


@pytest.mark.parametrize(
    ("status", "result", "where"),
    [
        (Status.QUEUED, "", "submit"),
        (Status.INITIALIZING, "", "poll"),
        (Status.RUNNING, "", "poll"),
        (Status.CANCELLING, "", "release"),
        (Status.INITIALIZING, "completed", "collect"),
        (Status.RUNNING, "completed", "collect"),
        (Status.CANCELLING, "completed", "collect"),
    ],
)
def test_every_active_job_is_in_exactly_one_list(status: Status, result: str, where: str, alice: User) -> None:
    job = a_job(alice, status, cluster_result=result)
    assert [name for name, ids in found().items() if job.pk in ids] == [where]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_job_is_in_none(status: Status, alice: User) -> None:
    a_job(alice, status, cluster_result="completed")
    assert not any(found().values())


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_a_job_whose_time_has_not_come_is_left_alone(status: Status, alice: User) -> None:
    later = timezone.now() + LATER
    a_job(alice, status, next_attempt_at=later, next_poll_at=later)
    assert not any(found().values())


def test_a_tick_that_comes_a_moment_early_misses_nothing(alice: User) -> None:
    job = a_job(alice, Status.RUNNING, next_poll_at=timezone.now() + SOON)
    assert found()["poll"] == [job.pk]


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_a_job_that_somebody_works_on_is_left_alone_until_the_lease_expires(status: Status, alice: User) -> None:
    job = a_job(alice, status)
    lifecycle.claim([job.pk], statuses=ACTIVE, now=timezone.now())
    assert not any(found().values())
    TrainingJob.objects.update(lease_expires_at=timezone.now() - SOON)
    assert any(found().values())


def test_the_oldest_come_first(alice: User) -> None:
    now = timezone.now()
    ages = {age: at_cluster(alice, f"run-{age}", next_poll_at=now - timedelta(minutes=age)) for age in (1, 3, 2)}
    assert found()["poll"] == [ages[3].pk, ages[2].pk, ages[1].pk]


@pytest.mark.parametrize(
    ("ended_h", "stored_at", "is_due"), [(1, "", True), (1, "alice/1/training.log", False), (25, "", False)]
)
def test_a_log_is_kept_once_and_tried_for_a_day(ended_h: int, stored_at: str, is_due: bool, alice: User) -> None:
    now = timezone.now()
    job = factories.job(alice, Status.COMPLETED, completed_at=now - timedelta(hours=ended_h))
    JobLog.objects.create(job=job, owner=alice, storage_path=stored_at)
    assert reconcile.select(now + timedelta(minutes=5)).archive == ([job.pk] if is_due else [])


@pytest.mark.parametrize(
    ("attempt", "external_id", "saved_by", "known_of", "is_due"),
    [
        (1, "run-1", 1, None, True),
        (1, "run-1", 1, 1, False),
        (2, "run-2", 2, 1, True),
        (2, "", 1, None, True),
        (2, "run-2", 1, None, False),
        (3, "", 1, None, False),
    ],
    ids=["new", "known", "known of another attempt", "before the next is sent", "after it was sent", "long ago"],
)
def test_checkpoints_are_looked_for_while_the_job_can_go_on_from_them(
    attempt: int, external_id: str, saved_by: int, known_of: int | None, is_due: bool, alice: User
) -> None:
    job = at_cluster(alice, external_id, attempt=attempt)
    job.attempts.update(number=saved_by, checkpoints_reported=1)
    if known_of is not None:
        factories.checkpoint(job, 40, attempt=known_of)
    assert reconcile.select(timezone.now()).fetch == ([job.pk] if is_due else [])


def test_who_asks_about_some_jobs_checkpoints_hears_of_those_alone(alice: User) -> None:
    jobs = [at_cluster(alice, external_id) for external_id in ("run-1", "run-2")]
    JobAttempt.objects.update(checkpoints_reported=1)
    for job in jobs:
        assert reconcile.with_new_checkpoints(timezone.now(), among=[str(job.pk)]) == [job.pk]
    assert reconcile.with_new_checkpoints(timezone.now(), among=[]) == []


def test_the_cycle_notes_that_it_ran_and_what_it_found(alice: User) -> None:
    a_job(alice, Status.QUEUED)
    for _ in range(2):
        found()
    run = CycleRun.objects.get()
    assert run.counts == {"queued": 1, "running": 0, "cancelling": 0, "finalizing": 0}
