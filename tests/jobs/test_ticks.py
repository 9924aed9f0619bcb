"""When a job is polled: at every tick, however late the last poll was, until it is lost."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import reconcile
from tests.contracts.wire import reset
from tests.jobs.conftest import (
    at_cluster,
    due_now,
    let_pass,
    polled,
)
from tests.jobs.scripted import ScriptedCluster

pytestmark = pytest.mark.django_db


# -- Lost ---------------------------------------------------------------------------------------------------


def test_however_often_somebody_looks_a_silent_cluster_is_asked_again_as_soon_as_otherwise(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.says("run-1")
    scripted.scripts["/training/status"] = reset
    job = polled(at_cluster(alice))
    due = job.next_poll_at
    for _ in range(10):
        job = polled(job)
    assert (job.poll_failures, job.next_poll_at) == (1, due)
    due_now(job)
    assert polled(job).poll_failures == 2


def test_silence_does_not_count_as_a_miss(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, poll_failures=50)
    job = polled(job)
    assert job.status == "running"
    let_pass(job, minutes=2)
    assert polled(job).status == "running"


# -- When ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [0.0, 2.9, 3.1, 7.0, 14.9, 26.5, 29.95])
@pytest.mark.parametrize("delay", [0.0, 0.4, 5.0, 24.0])
def test_every_tick_finds_the_job_due_however_long_its_poll_waits_in_the_queue(
    phase: float, delay: float, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.says("run-1")
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        job = at_cluster(alice)
        for tick in range(1, 7):
            jitter = 0.05 if tick % 2 else -0.05
            clock.move_to(start + timedelta(seconds=30 * tick + phase + jitter))
            assert reconcile.select(timezone.now()).poll == [job.pk], f"tick {tick}"
            clock.shift(delay)
            reconcile.poll([job.pk])


def test_after_a_long_pause_a_job_is_polled_at_once_and_then_in_step_again(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.says("run-1")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        job = at_cluster(alice)
        clock.shift(3600)
        for _ in range(3):
            assert reconcile.select(timezone.now()).poll == [job.pk]
            reconcile.poll([job.pk])
            clock.shift(30)


def test_a_job_whose_files_are_brought_home_is_not_polled(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, cluster_result="completed")
    assert reconcile.select(timezone.now()).poll == []
    polled(job)
    assert scripted.wire.requests == []
