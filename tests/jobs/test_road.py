"""The whole way of a job against a real cluster of either level."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from jobs import costs, reconcile, services
from jobs.models import MetricsPoint, TrainingJob
from tests.jobs.conftest import TRAINS_FOR_EVER, MakeJob, UseNode, work_until

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("level", [1, 2])
def test_a_job_completes_with_its_files_in_storage(level: int, use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=level)
    job = work_until(queued(alice), "completed", "failed")
    assert job.status == "completed", job.error_detail
    assert job.progress == 100.0
    assert job.current_stage == "completed"
    assert job.artifact.status == "ready"
    assert {file["path"] for file in job.artifact.files}
    assert job.final_cost == job.current_cost
    assert list(job.events.filter(kind="status").values_list("from_status", "to_status")) == [
        ("", "queued"),
        ("queued", "initializing"),
        ("initializing", "running"),
        ("running", "completed"),
    ]


def test_at_level_2_every_point_of_the_run_is_stored_once(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    job = work_until(queued(alice), "completed")
    steps = list(MetricsPoint.objects.filter(job=job).values_list("step", flat=True))
    assert len(steps) == len(set(steps)) == job.metrics_count > 10
    assert steps[-1] == job.total_steps


def test_the_cost_is_price_times_gpus_times_billable_time(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    job = work_until(queued(alice), "completed")
    attempt = job.attempts.get()
    record = job.cost_records.get()
    assert attempt.billing_source == "cluster"
    assert attempt.billing_final
    assert record.amount == costs.amount(
        price_per_hour=Decimal("4.20"), gpu_count=2, billable_seconds=attempt.billable_seconds
    )
    assert job.final_cost == record.amount


@pytest.mark.parametrize("level", [1, 2])
def test_a_cancelled_job_ends_at_the_cluster_before_it_says_so(
    level: int, use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=level)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    reconcile.submit(job.pk)
    services.job_cancel(user=alice, job_id=job.pk)
    job.refresh_from_db()
    assert job.status == "cancelling"
    job = work_until(job, "cancelled")
    assert node.status(job)["status"] == "cancelled"
    assert job.final_cost is not None


def test_a_job_that_no_cluster_was_asked_for_is_cancelled_at_once(queued: MakeJob, alice: User) -> None:
    job = services.job_cancel(user=alice, job_id=queued(alice).pk)
    assert job.status == "cancelled"
    assert not TrainingJob.objects.get(pk=job.pk).cost_records.exists()


def test_what_is_delivered_twice_is_done_once(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=1)
    job = queued(alice)
    for _ in range(5):
        reconcile.submit(job.pk)
    job = work_until(job, "completed")
    assert job.attempts.count() == 1
    assert job.events.filter(to_status="initializing").count() == 1
