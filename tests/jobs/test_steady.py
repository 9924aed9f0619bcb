"""Many jobs in one message: those that just go on are stored some at a time, whatever else happens is one job's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db.models import Model
from pytest_django import DjangoAssertNumQueries

from jobs import reconcile, services
from jobs.models import JobAttempt, JobEvent, MetricsPoint, TrainingJob
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
    few = 8  # whatever the number of jobs
    with django_assert_max_num_queries(few + 3 * 6 + 45 * 2):  # rows and points of each twenty; of each job two rows
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


# What a run says from poll to poll: something of everything, some of it twice, late, or no number.
TELLS: tuple[dict[str, Any], ...] = (
    {"progress": 1.0, "current_step": 1, "points": [a_point(1, 1)], "next": 1, "state_seq": 3},
    {"progress": 1.0, "current_step": 1, "points": [a_point(1, 1)], "next": 1, "state_seq": 3},
    {"progress": 4.5, "current_step": 3, "points": [a_point(2, 3), a_point(3, 2)], "next": 3, "state_seq": 2},
    {"progress": 4.5, "stage": "evaluating", "stage_detail": "on 7 examples", "stage_progress": 30.0},
    {"points": [a_point(4, 3, validation_loss=2.5), a_point(5, 4, training_loss="NaN")], "next": 5},
    {"points": [a_point(6, 5, training_loss=None, gradient_norm=0.5)], "next": 6, "metrics": {"gpu_memory": 40.0}},
    {"current_epoch": 1, "total_epochs": 4, "total_steps": 90, "simulated": True, "checkpoints": 2},
    {"heartbeat_at": "2026-11-23T12:00:00Z", "eta_seconds": 3600, "billing": {"billable_seconds": 3600.5}},
    {"billing": {"billable_seconds": 100}, "state_seq": 9, "progress": 3.0, "stage": "training"},
    {"points": [a_point(7, 6, training_loss="NaN"), a_point(8, 7, training_loss="NaN")], "next": 8},
    {"points": [a_point(9, 8)], "next": 9},
)


def test_jobs_that_are_taken_together_end_up_like_one_that_is_taken_by_itself(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = [*POINTS, "billing", "heartbeat", "checkpoints"]
    with time_machine.travel(datetime(2026, 11, 23, 12, 0, tzinfo=UTC), tick=False) as clock:
        first, second, alone = (at_cluster(alice, name, max_cost="1000.00") for name in ("first", "second", "alone"))
        for number, tells in enumerate(TELLS):
            for name in ("first", "second", "alone"):
                scripted.says(name, **tells)
            reconcile.poll([first.pk, second.pk])
            reconcile.poll([alone.pk])
            assert stored(first) == stored(second) == stored(alone), f"after the report {number}"
            if number % 2:  # two at the same moment: then more of what was stored is stored again
                clock.shift(timedelta(seconds=30))
    first.refresh_from_db()
    assert (first.status, first.stop_reason, len(steps(first))) == ("cancelling", "nan_loss", 7)


def stored(job: TrainingJob) -> list[dict[str, Any]]:
    """All that the rows say of a job, but for what it is called by."""
    names = {"id", "job_id", "dataset_id", "external_job_id", "submission_key"}
    models: dict[type[Model], str] = {TrainingJob: "pk", JobAttempt: "job", JobEvent: "job", MetricsPoint: "job"}
    of_job = [
        row
        for model, key in models.items()
        for row in model._default_manager.filter(**{key: job.pk}).order_by("pk").values()
    ]
    return [{name: value for name, value in row.items() if name not in names} for row in of_job]
