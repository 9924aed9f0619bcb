"""What a cycle finds: every job that is due and that nobody works on, in one list each, the oldest first."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import lifecycle, reconcile
from jobs.models import CycleRun, TrainingJob
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


def test_the_cycle_notes_that_it_ran_and_what_it_found(alice: User) -> None:
    a_job(alice, Status.QUEUED)
    for _ in range(2):
        found()
    run = CycleRun.objects.get()
    assert run.counts == {"queued": 1, "running": 0, "cancelling": 0, "finalizing": 0}
