"""Money: price x GPUs x billable time, to the cent, by one clock at a time, and never falling while a job is active."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from jobs import costs, reconcile
from jobs.models import CostRecord, GpuPrice, TrainingJob
from jobs.states import Status
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, due_and, work_until
from tests.jobs.scripted import ScriptedCluster

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
H100 = Decimal("4.20")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


SEEN: dict[str, Any] = {"seen_running_at": NOON, "seen_until": after(70)}


def polled(job: TrainingJob) -> TrainingJob:
    return due_and(job, lambda pk: reconcile.poll([pk]))


# -- The formula --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "gpus", "seconds", "dollars"),
    [
        ("4.20", 1, 3600, "4.20"),
        ("4.20", 8, 5400, "50.40"),
        ("2.10", 1, 60, "0.04"),  # 0.035: half up
        ("3.50", 1, 0, "0.00"),
        ("4.20", 2, 0.9, "0.00"),
        ("0.0001", 1, 3600, "0.00"),
    ],
)
def test_it_is_price_times_gpus_times_hours_rounded_half_up(
    price: str, gpus: int, seconds: float, dollars: str
) -> None:
    cost = costs.amount(price_per_hour=Decimal(price), gpu_count=gpus, billable_seconds=seconds)
    assert str(cost) == dollars


def test_a_gpu_without_a_price_counts_nothing() -> None:
    assert costs.amount(price_per_hour=None, gpu_count=8, billable_seconds=10**6) == 0


@given(seconds=st.floats(0, costs.MAX_BILLABLE_SECONDS), more=st.floats(0, 10**6), gpus=st.integers(1, 8))
def test_more_time_never_costs_less(seconds: float, more: float, gpus: int) -> None:
    assert costs.amount(price_per_hour=H100, gpu_count=gpus, billable_seconds=seconds) <= costs.amount(
        price_per_hour=H100, gpu_count=gpus, billable_seconds=seconds + more
    )


# -- The source ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds", "source", "is_estimate"),
    [
        ({"billed_seconds": 90.0, "started_at": NOON, "ended_at": after(50)}, 90, "cluster", False),
        (
            {"started_at": NOON, "ended_at": after(50), "seen_running_at": NOON, "seen_until": after(70)},
            50,
            "timestamps",
            False,
        ),
        ({"started_at": NOON, "heartbeat_at": after(40)}, 40, "timestamps", False),
        (SEEN, 70, "observed", True),
        ({}, 0, "observed", True),
    ],
)
def test_the_best_source_counts(given: dict[str, Any], seconds: float, source: str, is_estimate: bool) -> None:
    time = costs.billable_time(**given)
    assert (time.seconds, time.source, time.is_estimate) == (seconds, source, is_estimate)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"billed_seconds": -1.0},
        {"billed_seconds": 1e300},
        {"billed_seconds": float("nan")},
        {"started_at": after(100), "ended_at": NOON},
        {"started_at": datetime(1970, 1, 1, tzinfo=UTC), "ended_at": NOON},
    ],
)
def test_a_figure_that_makes_no_sense_falls_through_to_the_next(nonsense: dict[str, Any]) -> None:
    time = costs.billable_time(**nonsense, **SEEN)
    assert (time.seconds, time.source) == (70, "observed")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "billed_seconds": st.floats(),
            **{
                name: st.datetimes(timezones=st.just(UTC))
                for name in ("started_at", "ended_at", "heartbeat_at", "seen_running_at", "seen_until")
            },
        },
    )
)
def test_whatever_a_cluster_says_the_time_fits_a_bill(given: dict[str, Any]) -> None:
    assert 0 <= costs.billable_time(**given).seconds <= costs.MAX_BILLABLE_SECONDS


# -- On the road --------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_by_our_own_clock_the_cost_is_an_estimate_and_says_so(end: str, alice: User, scripted: ScriptedCluster) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        job = at_cluster(alice)
        scripted.says("run-1")
        clock.shift(1800)
        job = polled(job)
        assert (job.current_cost, job.cost_is_estimate) == (Decimal("4.20"), True)
        scripted.says("run-1", end)
        clock.shift(1800)
        job = polled(job)
    assert (job.status, job.final_cost, job.cost_is_estimate) == (end, Decimal("8.40"), True)
    record = CostRecord.objects.get()
    assert (record.amount, record.details["billing_source"], record.details["billable_seconds"]) == (
        Decimal("8.40"),
        "observed",
        3600,
    )


@pytest.mark.django_db
def test_the_cost_does_not_fall_while_a_job_is_active_and_a_final_correction_is_told(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    for seconds, shown in ((3600, "8.40"), (1800, "8.40"), (7200, "16.80")):
        scripted.says("run-1", billing={"billable_seconds": seconds})
        assert str(polled(job).current_cost) == shown
    scripted.says("run-1", "failed", billing={"billable_seconds": 5400, "final": True})
    job = polled(job)
    assert (str(job.final_cost), job.current_cost) == ("12.60", job.final_cost)
    correction = job.events.get(kind="cost")
    assert "16.80 to $12.60" in correction.message
    assert correction.detail == {"from": 16.8, "to": 12.6}


@pytest.mark.django_db
def test_what_a_cluster_calls_final_or_ended_of_a_running_job_is_neither(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    ended = {"started_at": NOON.isoformat(), "ended_at": after(60).isoformat()}
    scripted.says("run-1", billing={"billable_seconds": 60, "final": True}, **ended)
    polled(job)
    scripted.says("run-1", "failed", billing={"billable_seconds": 3600, "final": True}, **ended)
    assert str(polled(job).final_cost) == "8.40"


@pytest.mark.django_db
def test_an_answer_without_a_figure_does_not_undo_the_figure_that_we_have(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", billing={"billable_seconds": 3600})
    polled(job)
    scripted.says("run-1", "failed")
    job = polled(job)
    assert (str(job.final_cost), job.cost_is_estimate) == ("8.40", False)
    assert not job.events.filter(kind="cost").exists(), "nothing was corrected"


@pytest.mark.django_db
def test_who_never_ran_pays_nothing_and_gets_no_record(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, status=Status.INITIALIZING)
    scripted.says("run-1", "failed")
    job = polled(job)
    assert (job.status, str(job.final_cost), CostRecord.objects.count()) == ("failed", "0.00", 0)


@pytest.mark.django_db
def test_a_gpu_without_a_price_is_recorded_as_unpriced(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, gpu_price_per_hour=None)
    scripted.says("run-1", "failed", billing={"billable_seconds": 3600})
    assert polled(job).final_cost == 0
    details = CostRecord.objects.get().details
    assert (details["rate"], details["priced"], details["billable_seconds"]) == (None, False, 3600)


@pytest.mark.django_db
def test_a_job_costs_the_sum_of_its_attempts(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    first = job.attempts.get()
    first.pk, first.number, first.submission_key, first.external_job_id = None, 2, "second", "run-1"
    first.save()
    job.attempts.filter(number=1).update(cost="1.00", external_job_id="run-0")
    TrainingJob.objects.filter(pk=job.pk).update(attempt=2, current_cost="1.00")
    scripted.says("run-1", "failed", billing={"billable_seconds": 3600})
    assert str(polled(job).final_cost) == "9.40"


@pytest.mark.django_db
def test_the_price_is_the_one_at_creation(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    job = queued(alice)
    GpuPrice.objects.filter(gpu_type="H100-80GB").update(price_per_hour=1000)
    job = work_until(job, "completed")
    assert job.cost_records.get().details["rate"] == 4.2
    assert job.completed_at is not None
    assert job.completed_at <= timezone.now()
