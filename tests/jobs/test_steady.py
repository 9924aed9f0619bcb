"""Many jobs in one message: those that just go on are stored some at a time, whatever else happens is one job's."""

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from jobs import reconcile, services
from jobs.models import TrainingJob
from jobs.states import Status
from tests.jobs.conftest import at_cluster
from tests.jobs.scripted import ScriptedCluster
from tests.jobs.test_polling import POINTS, a_point, steps

pytestmark = pytest.mark.django_db


def test_running_jobs_that_go_on_are_read_together_and_written_each(
    alice: User, scripted: ScriptedCluster, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    scripted.features = POINTS
    jobs = [at_cluster(alice, f"run-{number}") for number in range(45)]
    for number in range(45):
        scripted.says(f"run-{number}", progress=1.0 + number, points=[a_point(1, 1)], next=1)
    few = 12  # whatever the number of jobs
    with django_assert_max_num_queries(few + 3 * 4 + 45 * 4):  # of each its points, read and written, and two rows
        reconcile.poll([job.pk for job in jobs])
    for number, job in enumerate(jobs):
        job.refresh_from_db()
        assert (job.progress, job.lease_token, steps(job)) == (1.0 + number, None, [(0, 1)])


def test_what_happens_to_one_job_of_many_happens_to_it_alone(
    alice: User, scripted: ScriptedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.features = POINTS
    names = ("goes-on", "broken", "starts", "ends", "gone", "cancelling", "over-budget")
    jobs = {
        name: at_cluster(alice, name, status=Status.INITIALIZING if name == "starts" else Status.RUNNING)
        for name in names
    }
    TrainingJob.objects.filter(pk=jobs["broken"].pk).update(gpu_config={})  # its cost cannot be computed
    TrainingJob.objects.filter(pk=jobs["over-budget"].pk).update(max_cost="0.01", gpu_price_per_hour="4.00")
    services.job_cancel(user=alice, job_id=jobs["cancelling"].pk)
    for name in names[:4] + names[5:]:
        scripted.says(name, progress=7.0, points=[a_point(1, 1)], next=1, billing={"billable_seconds": 3600})
    scripted.jobs["ends"]["status"] = "failed"
    reconcile.poll([job.pk for job in jobs.values()])
    for job in jobs.values():
        job.refresh_from_db()
        assert job.lease_token is None
    assert {name: job.status for name, job in jobs.items()} == {
        "goes-on": "running",
        "broken": "running",
        "starts": "running",
        "ends": "failed",
        "gone": "running",
        "cancelling": "cancelling",
        "over-budget": "cancelling",
    }
    assert {name for name, job in jobs.items() if job.waiting_for} == {"broken", "gone"}
    assert {name: len(steps(job)) for name, job in jobs.items()} == {
        **dict.fromkeys(names, 1),
        **dict.fromkeys(("broken", "gone", "cancelling"), 0),
    }
    ends = [event.to_status for event in jobs["over-budget"].events.filter(kind="status")]
    assert ends[-1] == "cancelling"
    assert caplog.text.count("could not be taken over") == 1
