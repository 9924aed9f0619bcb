"""The budget: a warning at 80 %, a stop that keeps the adapter, and a final bill that is not above it."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.base import ObjectStore
from jobs import budget, costs, reconcile, services
from jobs.budget import Rate
from jobs.exceptions import InvalidJob
from jobs.models import GpuPrice, TrainingJob
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, due_and, polled, submitted, work_until
from tests.jobs.scripted import ScriptedCluster

H100S = Rate(Decimal("4.20"), 2)
EVERY = 30
HOUR = 3600.0


def says_billed(scripted: ScriptedCluster, dollars: float, state: str = "running", **status: Any) -> None:
    """The cluster bills so many dollars' worth of two H100, $8.40 an hour."""
    scripted.says("run-1", state, billing={"billable_seconds": dollars / 8.4 * HOUR}, **status)


def watched(owner: User, limit: str = "10.00", **changes: Any) -> TrainingJob:
    return at_cluster(owner, max_cost=Decimal(limit), **changes)


def codes(job: TrainingJob) -> list[str]:
    return [warning["code"] for warning in job.warnings]


# -- The rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "kept"), [(5, "5.00"), (0.01, "0.01"), (12.5, "12.50"), (1_000_000, "1000000.00")])
def test_a_budget_is_dollars_and_cents(given: float, kept: str) -> None:
    assert str(budget.checked(given)) == kept


@pytest.mark.parametrize("given", [0, -1, 0.001, 1_000_000.01, 1.005, True, "5", "five", [5], {}, float("inf")])
def test_anything_else_is_refused_with_the_range(given: Any) -> None:
    with pytest.raises(InvalidJob) as caught:
        budget.checked(given)
    assert "from 0.01 to 1,000,000" in caught.value.details["max_cost"][0]


@pytest.mark.parametrize(
    ("spent", "verdict"),
    [("0", "within"), ("7.99", "within"), ("8.00", "warn"), ("9.82", "warn"), ("9.83", "stop"), ("12", "stop")],
)
def test_it_warns_at_four_fifths_and_stops_where_the_next_look_would_be_too_late(spent: str, verdict: str) -> None:
    assert budget.verdict(Decimal(spent), Decimal(10), H100S, look_every_s=EVERY) == verdict


def test_a_budget_of_seconds_is_used_at_least_half() -> None:
    assert budget.verdict(Decimal("0.05"), Decimal("0.10"), H100S, look_every_s=EVERY) == "within"
    assert budget.verdict(Decimal("0.06"), Decimal("0.10"), H100S, look_every_s=EVERY) == "stop"


@given(
    cents=st.integers(1, 10**8),
    price=st.decimals("0.01", 100, places=2),
    gpus=st.integers(1, 8),
    looks=st.lists(st.floats(1, EVERY), min_size=1, max_size=20),
    start=st.floats(0, 1),
    stopping=st.floats(0, budget.STOPPING_SECONDS),
)
def test_the_final_bill_is_within_any_budget_that_pays_for_the_way_out(
    cents: int, price: Decimal, gpus: int, looks: list[float], start: float, stopping: float
) -> None:
    limit, rate = Decimal(cents) / 100, Rate(price, gpus)
    way_out = rate.dollars(EVERY + budget.STOPPING_SECONDS)
    if limit < 2 * way_out:
        limit = round(2 * way_out, 2) + Decimal("0.01")
    # A run that was last seen within its budget, and is looked at until it is stopped.
    seconds = float((limit - way_out) / rate.dollars(1)) * start
    for between in looks:
        spent = costs.amount(price_per_hour=price, gpu_count=gpus, billable_seconds=seconds)
        if budget.verdict(spent, limit, rate, look_every_s=EVERY) == "stop":
            break
        seconds += between
    final = costs.amount(price_per_hour=price, gpu_count=gpus, billable_seconds=seconds + stopping)
    assert final <= limit


@pytest.mark.parametrize(
    ("limit", "spent", "seconds"), [("8.40", "0", 3600), ("8.40", "4.20", 1800), ("0.01", "0", 60), ("1", "2", 60)]
)
def test_the_time_limit_is_what_is_left_of_the_budget_and_at_least_a_minute(
    limit: str, spent: str, seconds: int
) -> None:
    assert budget.seconds_paid(Decimal(limit), Decimal(spent), H100S) == seconds


def test_gpus_that_cost_nothing_use_no_budget() -> None:
    free = Rate(Decimal(0), 8)
    assert budget.seconds_paid(Decimal(1), Decimal(0), free) is None
    assert budget.verdict(Decimal(0), Decimal(1), free, look_every_s=EVERY) == "within"


# -- On the road --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_job_is_warned_about_once_and_trains_on(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    for dollars in (7.9, 8.1, 9.0):
        says_billed(scripted, dollars)
        job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.status, codes(job)) == ("running", ["budget_warning"])
    event = job.events.get(kind="warning")
    assert (event.actor, event.detail) == ("system", {"code": "budget_warning"})
    assert event.message == "Over 80 % of the budget of $10.00 is used."


@pytest.mark.django_db
def test_a_used_budget_stops_the_job_with_its_adapter_kept(
    alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    scripted.features = ["batch_status", "async_cancel", "artifacts"]
    job = watched(alice)
    says_billed(scripted, 9.9)
    job = polled(job)
    assert (job.status, job.keep_adapter, job.cancel_requested_by) == ("cancelling", True, "system")
    event = job.events.get(to_status="cancelling")
    assert (event.actor, event.detail) == ("system", {"code": "budget_reached"})
    assert event.message == (
        "The job is being stopped, its adapter kept. The job was at $9.90: the rest of its budget of $10.00 is what "
        "stopping it may cost."
    )
    job = due_and(job, reconcile.release)
    wish = scripted.asked("/training/cancel/run-1")[0].json()
    assert (wish["keep_adapter"], wish["reason"]) == (True, "budget reached")
    says_billed(scripted, 9.95, "cancelled", released_at="2026-11-23T12:00:00Z")
    job = due_and(job, reconcile.release)
    assert (job.cluster_result, job.final_cost) == ("cancelled", Decimal("9.95"))


@pytest.mark.django_db
def test_a_budget_that_is_overrun_already_is_called_used(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    says_billed(scripted, 12)
    assert polled(job).stop_message == "The job was at $12.00: its budget of $10.00 is used."


@pytest.mark.django_db
def test_it_ends_cancelled_with_a_code_and_what_to_do(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    says_billed(scripted, 9.9)
    job = polled(job)
    assert job.keep_adapter is False  # a level-1 cluster cannot
    says_billed(scripted, 9.95, "cancelled")
    job = due_and(job, reconcile.release)
    assert (job.status, job.error_code, job.final_cost) == ("cancelled", "budget_reached", Decimal("9.95"))
    assert job.error_message == job.warnings[0]["message"]
    assert "$10.00" in job.events.get(to_status="cancelled").message


@pytest.mark.django_db
def test_the_stop_takes_the_place_of_the_warning(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    for dollars in (8.5, 9.9):
        says_billed(scripted, dollars)
        job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert codes(job) == ["budget_reached"]
    assert [event.detail["code"] for event in job.events.filter(kind="warning")] == ["budget_warning", "budget_reached"]


@pytest.mark.django_db
def test_what_earlier_attempts_cost_counts(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    first = job.attempts.get()
    first.pk, first.number, first.submission_key = None, 2, "second"
    first.save()
    job.attempts.filter(number=1).update(cost="5.00", external_job_id="run-0")
    TrainingJob.objects.filter(pk=job.pk).update(attempt=2, current_cost="5.00")
    says_billed(scripted, 4.9)
    assert polled(job).status == "cancelling"


@pytest.mark.django_db
def test_a_run_that_ends_before_it_is_stopped_is_completed_and_no_failure(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = watched(alice)
    says_billed(scripted, 9.9)
    polled(job)
    says_billed(scripted, 9.95, "completed")
    job = due_and(job, reconcile.release)
    assert (job.status, job.error_code) == ("completed", "")


@pytest.mark.django_db
def test_a_users_cancel_after_the_stop_changes_nothing(alice: User, scripted: ScriptedCluster) -> None:
    job = watched(alice)
    says_billed(scripted, 9.9)
    polled(job)
    job = services.job_cancel(user=alice, job_id=job.pk)
    assert (job.status, job.cancel_requested_by, job.stop_reason) == ("cancelling", "system", "budget_reached")
    assert job.events.filter(to_status="cancelling").count() == 1


@pytest.mark.django_db
def test_a_users_own_cancel_is_not_taken_over(alice: User, scripted: ScriptedCluster) -> None:
    job = services.job_cancel(user=alice, job_id=watched(alice).pk)
    says_billed(scripted, 9.9)
    job = due_and(job, reconcile.release)
    assert (job.status, job.cancel_requested_by, job.stop_reason, codes(job)) == ("cancelling", "user:alice", "", [])


@pytest.mark.django_db
def test_a_job_without_a_budget_is_left_alone(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    says_billed(scripted, 10**6)
    assert (polled(job).status, codes(job)) == ("running", [])


# -- Sent with the job --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("limit", "seconds"), [("8.40", 3600), ("0.05", 60), ("1000000", 259_200), (None, 259_200)])
def test_what_the_budget_pays_for_is_the_runs_time_limit(
    limit: str | None, seconds: int, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["idempotent_submit", "lookup"]
    job = submitted(queued(alice, max_cost=None if limit is None else Decimal(limit)))
    assert scripted.submits()[0]["limits"] == {"max_runtime_s": seconds}
    assert job.attempts.get().request["max_runtime_s"] == seconds


@pytest.mark.django_db
def test_a_run_that_the_clusters_switch_ended_for_its_budget_says_so(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = submitted(queued(alice, max_cost=5))
    scripted.says("run-1", "failed", error_code="max_runtime", error_message="Stopped after its limit of 2142 s.")
    job = polled(job)
    assert (job.status, job.error_code) == ("failed", "budget_reached")
    assert job.error_message == "The run used the time that its budget of $5.00 pays for."
    assert "2142 s" in job.error_detail


@pytest.mark.django_db
def test_a_run_that_the_operators_limit_ended_is_told_as_that(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = submitted(queued(alice, max_cost=100_000))
    scripted.says("run-1", "failed", error_code="max_runtime")
    assert polled(job).error_code == "max_runtime"


@pytest.mark.django_db
def test_on_a_real_node_the_adapter_of_a_stopped_job_is_in_storage(
    use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=2)
    GpuPrice.objects.filter(gpu_type="H100-80GB").update(price_per_hour=9000)  # two of them: $5 a second
    job = queued(alice, max_cost=10)
    node.fault("job", {"outcome": {"kind": "hang", "at_step": 40}}, job=job)
    job = work_until(job, "cancelled")
    assert (job.error_code, job.artifact.status, job.artifact.is_partial) == ("budget_reached", "ready", True)
    assert job.final_cost == job.cost_records.get().amount <= Decimal(10)
