"""Polling: what a cluster says is taken over, whatever it says, and one job's trouble stays with that job."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs import lifecycle, reconcile, services, tasks
from jobs.models import Cluster, MetricsPoint, TrainingJob
from jobs.reconcile import gate, polling
from jobs.states import Status
from tests.contracts.wire import Script, reply
from tests.jobs.conftest import (
    TRAINS_FOR_EVER,
    MakeJob,
    UseNode,
    at_cluster,
    due_and,
    due_now,
    let_pass,
    polled,
    work_until,
)
from tests.jobs.scripted import ScriptedCluster, refusing

pytestmark = pytest.mark.django_db

POINTS = ["batch_status"]


def steps(job: TrainingJob) -> list[tuple[int, int]]:
    return list(MetricsPoint.objects.filter(job=job).values_list("restart", "step"))


def a_point(seq: int, step: int, restart: int = 0, **values: Any) -> dict[str, Any]:
    return {"seq": seq, "restart": restart, "step": step, "values": {"training_loss": 1.0, **values}}


def raw_status(external_id: str, body: str) -> Script:
    return reply(200, f'{{"external_job_id": "{external_id}", "status": "running", {body}}}')


# -- Progress -----------------------------------------------------------------------------------------------


def test_state_stage_progress_and_metrics_are_taken_over(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, status=Status.INITIALIZING)
    scripted.says(
        "run-1", progress=5.2, stage="training", current_epoch=1, current_step=12, metrics={"training_loss": 2.5}
    )
    job = polled(job)
    assert (job.status, job.current_stage, job.progress) == ("running", "training", 5.2)
    assert (job.current_epoch, job.current_step, job.current_metrics) == (1, 12, {"training_loss": 2.5})
    assert job.started_at is not None
    assert steps(job) == [(0, 12)]


def test_what_a_stage_is_busy_with_is_taken_over_and_forgotten_when_it_is_over(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice, status=Status.INITIALIZING)
    scripted.says("run-1", "queued", stage="model_loading", stage_detail="Fetching the model", stage_progress=40)
    job = polled(job)
    assert (job.current_stage, job.stage_detail, job.stage_progress) == ("model_loading", "Fetching the model", 40.0)
    due_now(job)
    scripted.says("run-1", "running", stage="training")
    job = polled(job)
    assert (job.stage_detail, job.stage_progress) == ("", None)
    due_now(job)
    scripted.says("run-1", "failed", stage_detail="Saving", stage_progress=99)
    job = polled(job)
    assert (job.status, job.stage_detail, job.stage_progress) == ("failed", "", None)


def test_a_clusters_own_queue_is_initializing(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, status=Status.INITIALIZING)
    scripted.says("run-1", "queued")
    job = polled(job)
    assert (job.status, job.current_stage) == ("initializing", "queued_on_gpu")


def test_a_run_whose_cluster_names_no_stage_is_not_shown_as_queued(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, status=Status.INITIALIZING)
    scripted.says("run-1", "queued")
    polled(job)
    scripted.says("run-1", "running")
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.status, job.current_stage) == ("running", "training")
    scripted.says("run-1", "running", stage="saving")
    assert due_and(job, lambda pk: reconcile.poll([pk])).current_stage == "saving"
    scripted.says("run-1", "running")
    assert due_and(job, lambda pk: reconcile.poll([pk])).current_stage == "saving"


def test_zero_is_a_value(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, current_metrics={"training_loss": 2.0})
    scripted.says("run-1", current_step=3, metrics={"training_loss": 0.0, "validation_loss": None})
    job = polled(job)
    assert job.current_metrics == {"training_loss": 0.0}
    assert MetricsPoint.objects.get().training_loss == 0.0


def test_huge_and_missing_numbers_leave_the_rest_as_it_was(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, progress=40.0, current_step=5, total_steps=69)
    scripted.says("run-1", progress=10**30, current_step=10**40, total_steps=2**40, current_epoch=-5)
    job = polled(job)
    assert (job.status, job.progress, job.current_step, job.total_steps) == ("running", 40.0, 5, 69)


def test_what_is_no_number_is_told_of_the_curves_that_there_are_and_of_no_other_names(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice, sentinel={"nan": "notify"})
    odd = {f"name-{number}": "NaN" for number in range(50)}
    scripted.says("run-1", current_step=1, metrics={"training_loss": "NaN", **odd})
    job = polled(job)
    assert [warning["code"] for warning in job.warnings] == ["nonfinite_training_loss"]


def test_an_ended_job_is_not_asked_about_again(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, status=Status.COMPLETED)
    polled(job)
    assert scripted.wire.requests == []


# -- Points -------------------------------------------------------------------------------------------------


def test_no_point_of_a_run_that_ended_between_two_polls_is_lost(
    use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    node = use_node(level=2)
    job = queued(alice, hyperparameters={"epochs": 50, "batch_size": 1})
    reconcile.submit(job.pk)
    job.refresh_from_db()
    while node.status(job)["status"] != "completed":
        pass
    job = polled(job)
    assert job.current_stage == "finalization"
    stored = {step for _, step in steps(job)}
    assert len(stored) == job.metrics_count > 500
    assert max(stored) == job.total_steps


def test_pages_that_are_left_are_fetched_before_the_end_is_believed(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = [*POINTS, "metrics_cursor"]
    job = at_cluster(alice)
    scripted.says("run-1", "failed", points=[], next=0, has_more=True)
    pages = {
        "after=0": {"points": [a_point(1, 1), a_point(2, 2)], "next": 2, "has_more": True},
        "after=2": {"points": [a_point(3, 3)], "next": 3, "has_more": False},
    }

    def metrics(connection: Any, request: Any) -> None:
        page = next(page for name, page in pages.items() if name in request.target)
        reply(200, page)(connection, request)

    scripted.scripts["/training/metrics/run-1"] = metrics
    job = polled(job)
    assert job.status == "failed"
    assert steps(job) == [(0, 1), (0, 2), (0, 3)]


def test_where_a_page_fails_the_end_waits_for_it(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = [*POINTS, "metrics_cursor"]
    job = at_cluster(alice)
    scripted.says("run-1", "failed", points=[a_point(1, 1)], next=1, has_more=True)
    scripted.scripts["/training/metrics/run-1"] = reply(500)
    assert polled(job).status == "running"
    scripted.says("run-1", "failed", points=[a_point(2, 2)], next=2)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert job.status == "failed"
    assert steps(job) == [(0, 1), (0, 2)]


def test_a_curve_that_cannot_be_fetched_keeps_neither_cost_nor_budget_from_being_watched(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = [*POINTS, "metrics_cursor", "billing"]
    job = at_cluster(alice, max_cost="10.00", gpu_price_per_hour="4.00")
    scripted.scripts["/training/metrics/run-1"] = reply(500)
    used: dict[str, Any] = {"progress": 30.0, "points": [], "next": 0, "has_more": True}
    scripted.says("run-1", **used, billing={"billable_seconds": 1800, "gpu_count": 2})
    job = polled(job)
    assert (job.status, job.progress, str(job.current_cost)) == ("running", 30.0, "4.00")
    assert job.next_poll_at > timezone.now(), "what brings nothing is not asked again sooner"
    assert len(scripted.asked("/training/metrics/run-1")) == 1
    scripted.says("run-1", **used, billing={"billable_seconds": 36_000, "gpu_count": 2})
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.status, job.stop_reason) == ("cancelling", "budget_reached")


def test_the_end_waits_an_hour_for_points_that_never_come_and_says_so(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = [*POINTS, "metrics_cursor"]
    job = at_cluster(alice)
    let_pass(job, hours=5)  # a long silence is no patience with what has just been said
    scripted.scripts["/training/metrics/run-1"] = reply(500)
    scripted.says("run-1", "failed", points=[], next=0, has_more=True)
    job = polled(job)
    assert job.status == "running"
    assert job.waiting_for == "The run has ended; the GPU cluster still has to hand over the rest of its points."
    let_pass(job, minutes=50)
    assert due_and(job, lambda pk: reconcile.poll([pk])).status == "running"
    let_pass(job, minutes=11)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.status, job.waiting_for) == ("failed", "")
    assert [warning["code"] for warning in job.warnings] == ["points_missing"]


def test_an_endless_series_of_pages_without_points_does_not_keep_a_job_from_its_end(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = [*POINTS, "metrics_cursor"]
    job = at_cluster(alice)
    scripted.says("run-1", "failed", points=[], next=1, has_more=True)

    def always_more(connection: Any, request: Any) -> None:
        after = int(request.target.partition("after=")[2].partition("&")[0])
        reply(200, {"points": [], "next": after + 1, "has_more": True})(connection, request)

    scripted.scripts["/training/metrics/run-1"] = always_more
    assert polled(job).status == "running"
    let_pass(job, minutes=61)
    assert due_and(job, lambda pk: reconcile.poll([pk])).status == "failed"


def test_points_that_could_not_be_stored_are_asked_for_again(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = POINTS
    job = at_cluster(alice)
    scripted.says("run-1", points=[a_point(1, 1), a_point(2, 2)], next=2)
    TrainingJob.objects.filter(pk=job.pk).update(gpu_config={})  # its cost cannot be computed
    job = polled(job)
    assert (steps(job), job.attempts.get().metrics_cursor) == ([], 0)
    TrainingJob.objects.filter(pk=job.pk).update(gpu_config={"type": "H100-80GB", "count": 2})
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (steps(job), job.attempts.get().metrics_cursor) == ([(0, 1), (0, 2)], 2)


def test_the_simulated_mark_is_taken_over(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    assert work_until(queued(alice), "completed").simulated


# -- Older news ---------------------------------------------------------------------------------------------


def test_a_cluster_that_counts_its_states_anew_is_believed_after_a_while(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", progress=10.0, state_seq=2**63 - 1)
    job = polled(job)
    scripted.says("run-1", progress=20.0, state_seq=3)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.progress, [warning["code"] for warning in job.warnings]) == (10.0, ["state_went_back"])
    assert "older" in job.waiting_for
    let_pass(job, minutes=4)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.progress, job.waiting_for) == (20.0, "")
    scripted.says("run-1", "failed", state_seq=2)
    assert due_and(job, lambda pk: reconcile.poll([pk])).status == "running", "from then on its new count is the rule"
    scripted.says("run-1", "failed", state_seq=4)
    assert due_and(job, lambda pk: reconcile.poll([pk])).status == "failed"


def test_newer_news_in_between_keep_older_ones_from_being_believed(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    for _ in range(4):
        scripted.says("run-1", progress=10.0, state_seq=5)
        job = due_and(job, lambda pk: reconcile.poll([pk]))
        let_pass(job, minutes=2)
        scripted.says("run-1", "failed", state_seq=4)
        job = due_and(job, lambda pk: reconcile.poll([pk]))
        assert job.status == "running"


def test_a_count_of_states_may_start_over_with_a_restart(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    for restart, seq, step in [(0, 40, 100), (1, 1, 60), (1, 2, 70)]:
        scripted.says("run-1", current_step=step, state_seq=seq, restart=restart)
        job = due_and(job, lambda pk: reconcile.poll([pk]))
        assert job.current_step == step


# -- Trouble ------------------------------------------------------------------------------------------------


def test_garbage_about_one_job_is_that_jobs_trouble(alice: User, scripted: ScriptedCluster) -> None:
    bad, good = at_cluster(alice, "run-1"), at_cluster(alice, "run-2")
    scripted.says("run-2", progress=7.0)
    scripted.scripts["/training/status/run-1"] = reply(200, "garbage")
    reconcile.poll([bad.pk, good.pk])
    for job in (bad, good):
        job.refresh_from_db()
        assert (job.status, job.lease_token) == ("running", None)
    assert (good.progress, good.waiting_for) == (7.0, "")
    assert bad.waiting_for
    assert bad.next_poll_at > timezone.now()


def test_a_row_that_cannot_take_its_answer_does_not_stop_the_others(
    alice: User, scripted: ScriptedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = at_cluster(alice, "run-1"), at_cluster(alice, "run-2")
    TrainingJob.objects.filter(pk=broken.pk).update(gpu_config={})
    for name in ("run-1", "run-2"):
        scripted.says(name, progress=7.0, billing={"billable_seconds": 60})
    reconcile.poll([broken.pk, good.pk])
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (good.progress, broken.progress) == (7.0, 0.0)
    assert "operator" in broken.waiting_for
    assert "could not be taken over" in caplog.text


def test_a_poll_asks_the_database_few_times(
    alice: User, scripted: ScriptedCluster, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", current_step=1, metrics={"training_loss": 2.0})
    polled(job)
    scripted.says("run-1", current_step=2, metrics={"training_loss": 1.5})
    with django_assert_max_num_queries(14):  # among them a savepoint and its end; eight are reads
        tasks.poll_jobs.run([str(job.pk)])
    assert steps(job) == [(0, 1), (0, 2)]


def test_a_driver_that_falls_over_leaves_its_jobs_with_a_reason_and_the_others_alone(
    alice: User, scripted: ScriptedCluster, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GPU_CLUSTERS |= {"broken": {"DRIVER": "tests.jobs.nodes.BrokenCluster", "URL": scripted.url, "KEY": ""}}
    broken, good = at_cluster(alice, "run-1", cluster="broken"), at_cluster(alice, "run-2")
    scripted.says("run-2", progress=7.0)
    reconcile.poll([broken.pk, good.pk])
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (good.progress, good.waiting_for) == (7.0, "")
    assert (broken.status, broken.lease_token) == ("running", None)
    assert "operator" in broken.waiting_for
    assert broken.next_poll_at > timezone.now()
    assert "ZeroDivisionError" in caplog.text


def test_a_job_that_somebody_else_took_over_does_not_stop_the_others(alice: User, scripted: ScriptedCluster) -> None:
    stolen, good = at_cluster(alice, "run-1"), at_cluster(alice, "run-2")
    scripted.says("run-2", progress=7.0)
    now = timezone.now()
    leases = lifecycle.claim([stolen.pk, good.pk], statuses={Status.RUNNING}, now=now)
    lifecycle.claim([stolen.pk], statuses={Status.RUNNING}, now=now + timedelta(minutes=5))
    polling.follow(gate.enter("default"), leases)
    stolen.refresh_from_db()
    good.refresh_from_db()
    assert (good.progress, stolen.waiting_for) == (7.0, "")


def test_a_cluster_that_cannot_say_what_it_can_do_is_still_followed(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", progress=3.0)
    polled(job)
    Cluster.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    scripted.scripts["/training/capabilities"] = reply(500)
    scripted.says("run-1", progress=4.0)
    assert due_and(job, lambda pk: reconcile.poll([pk])).progress == 4.0


def test_jobs_wait_behind_an_open_breaker_and_say_so(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.scripts["/training/"] = refusing(403)
    job = polled(job)
    job = polled(job)
    assert job.status == "running"
    assert job.waiting_for.startswith("Waiting for the GPU cluster")
    assert len(scripted.wire.requests) == 1


def test_a_cluster_that_asks_for_patience_gets_it(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.says("run-1")
    polled(job)
    scripted.scripts["/training/status"] = refusing(429, Retry_After="300")
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert job.next_poll_at - timezone.now() > timedelta(seconds=290)


# -- Beside a cancel ----------------------------------------------------------------------------------------


def test_a_poll_does_not_undo_a_cancel(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    node = use_node(level=1)
    job = queued(alice)
    node.fault("job", TRAINS_FOR_EVER, job=job)
    reconcile.submit(job.pk)
    services.job_cancel(user=alice, job_id=job.pk)
    due_now(job)
    assert polled(job).status == "cancelling"
