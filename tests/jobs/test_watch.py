"""The sentinel on the road: what it finds is told, and stops the job where its rules say so."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets.storage.base import ObjectStore
from jobs import reconcile, services
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, due_and, polled, submitted, work_until
from tests.jobs.scripted import ScriptedCluster
from tests.jobs.series_of_losses import falling, noisy
from tests.jobs.test_api_jobs import order

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POINTS = ["batch_status"]
STEADY = noisy([1.0] * 40)


def says_losses(
    scripted: ScriptedCluster, losses: Iterable[float | str], *, first: int = 1, state: str = "running", **status: Any
) -> None:
    """At level 2, the points of these losses; "NaN" is one that is none."""
    scripted.features = [*POINTS, "async_cancel", "artifacts"]
    points = [
        {"seq": step, "step": step, "restart": status.get("restart", 0), "values": {"training_loss": loss}}
        for step, loss in enumerate(losses, start=first)
    ]
    scripted.says("run-1", state, points=points, next=len(points) + first - 1, **status)


def looked_at(job: TrainingJob) -> TrainingJob:
    return due_and(job, lambda pk: reconcile.poll([pk]))


def codes(job: TrainingJob) -> list[str]:
    return [warning["code"] for warning in job.warnings]


# -- What is found ------------------------------------------------------------------------------------------


def test_a_finding_is_an_event_and_a_warning_and_the_job_trains_on(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    says_losses(scripted, [*STEADY, 12.0])
    job = polled(job)
    assert (job.status, codes(job)) == ("running", ["sentinel_spike"])
    event = job.events.get(kind="warning")
    assert event.detail == {"code": "sentinel_spike", "step": 41, "stops": False}
    assert event.message == job.warnings[0]["message"]
    assert "jumped at step 41" in event.message
    assert job.warnings[0]["step"] == 41


def test_it_remembers_from_poll_to_poll(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    for step, loss in enumerate([*STEADY, 6.0, 7.0], start=1):
        says_losses(scripted, [loss], first=step)
        job = looked_at(job)
    assert codes(job) == ["sentinel_spike"]


def test_a_poll_costs_no_query_for_it(
    alice: User, scripted: ScriptedCluster, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    watched = at_cluster(alice)
    says_losses(scripted, STEADY)
    polled(watched)
    off = at_cluster(alice, "run-2", sentinel=dict.fromkeys(("nan", "zero", "spike", "divergence"), "off"))
    scripted.says("run-2", points=[], next=0)
    with django_assert_max_num_queries(40) as without:
        looked_at(off)
    says_losses(scripted, [1.0], first=41)
    with django_assert_num_queries(len(without) + 2):  # the point itself: looked for and stored
        looked_at(watched)


@pytest.mark.parametrize(
    "chosen", [{}, {"learning_rate": 1e-2}, {"learning_rate": 1e-6, "batch_size": 1}, {"logging_steps": 10}]
)
def test_a_nodes_run_is_left_alone_from_its_first_point_to_its_last(
    chosen: dict[str, Any], use_node: UseNode, queued: MakeJob, alice: User
) -> None:
    use_node(level=2)
    job = work_until(queued(alice, hyperparameters={"epochs": 50, **chosen}), "completed")
    assert job.metrics_count > 50
    assert job.warnings == []


def test_a_run_without_losses_is_left_alone(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = POINTS
    job = at_cluster(alice)
    for step in range(1, 40):
        point = {"seq": step, "step": step, "values": {"validation_loss": 0.0 if step % 2 else None}}
        scripted.says("run-1", points=[point], next=step)
        job = looked_at(job)
    assert job.warnings == []


def test_an_evaluation_that_is_no_number_is_no_reason_to_stop(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = POINTS
    points = [{"seq": step, "step": step, "values": {"validation_loss": "NaN"}} for step in range(1, 5)]
    scripted.says("run-1", points=points, next=4)
    job = polled(at_cluster(alice))
    assert (job.status, codes(job)) == ("running", ["nonfinite_validation_loss"])


def test_a_resumption_begins_anew_and_is_told_anew(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, sentinel={"nan": "notify"})
    says_losses(scripted, ["NaN"] * 5)
    polled(job)
    says_losses(scripted, [*falling(30), "NaN", "NaN"], restart=1)
    job = looked_at(job)
    assert [event.detail["step"] for event in job.events.filter(detail__code="sentinel_nan")] == [1, 31]
    assert codes(job).count("sentinel_nan") == 1
    assert "step 31" in next(each["message"] for each in job.warnings if each["code"] == "sentinel_nan")


# -- What is done then --------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_the_job_with_its_adapter_kept(
    alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = at_cluster(alice)
    says_losses(scripted, [*STEADY, "NaN", "NaN"])
    job = polled(job)
    assert (job.status, job.keep_adapter, job.stop_reason) == ("cancelling", True, "nan_loss")
    assert job.events.get(detail__code="sentinel_nan").detail["stops"] is True
    job = due_and(job, reconcile.release)
    assert scripted.asked("/training/cancel/run-1")[0].json()["reason"] == "nan loss"
    says_losses(scripted, [], state="cancelled", released_at="2026-11-23T12:00:00Z")
    job = due_and(job, reconcile.release)
    assert job.cluster_result == "cancelled"


@pytest.mark.parametrize(
    ("rule", "losses", "reason"),
    [
        ("nan", [*STEADY, "NaN", "NaN"], "nan_loss"),
        ("zero", [*STEADY, *[0.0] * 5], "zero_loss"),
        ("spike", [*STEADY, 12.0], "diverged"),
        ("divergence", [*STEADY, *noisy([1 + 0.03 * step for step in range(120)])], "diverged"),
    ],
)
def test_each_rule_decides_about_its_own_finding(
    rule: str, losses: list[float | str], reason: str, alice: User, scripted: ScriptedCluster
) -> None:
    for action, status, stopped_for in (
        ("off", "running", ""),
        ("notify", "running", ""),
        ("stop_and_keep", "cancelling", reason),
    ):
        TrainingJob.objects.all().delete()
        job = at_cluster(alice, sentinel={rule: action})
        says_losses(scripted, losses)
        job = polled(job)
        assert (job.status, job.stop_reason) == (status, stopped_for)
        told = [code for code in codes(job) if code.startswith("sentinel_")]
        assert told == ([] if action == "off" else [f"sentinel_{rule}"])


def test_a_stopped_job_ends_with_the_finding_as_its_reason(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, sentinel={"zero": "stop_and_keep"})
    for step in range(1, 6):
        scripted.says("run-1", current_step=step, metrics={"training_loss": 0.0})
        job = looked_at(job)
    scripted.says("run-1", "cancelled")
    job = due_and(job, reconcile.release)
    assert (job.status, job.error_code) == ("cancelled", "zero_loss")
    assert job.error_message == "The training loss has been exactly 0 since step 1."


def test_a_run_that_completed_is_told_about_and_not_stopped(
    alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = at_cluster(alice, sentinel={"spike": "stop_and_keep"})
    says_losses(scripted, [*STEADY, 12.0], state="completed")
    job = polled(job)
    assert (job.status, job.cluster_result, codes(job)) == ("running", "completed", ["sentinel_spike"])
    assert job.events.get(kind="warning").detail["stops"] is False


def test_a_run_that_failed_says_itself_what_went_wrong(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    says_losses(scripted, [*STEADY, "NaN", "NaN"], state="failed", error_code="nan_loss")
    job = polled(job)
    assert (job.status, job.error_code, codes(job)) == ("failed", "nan_loss", ["nonfinite_training_loss"])


def test_a_run_that_somebody_cancels_is_watched_no_more(alice: User, scripted: ScriptedCluster) -> None:
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk)
    says_losses(scripted, [*STEADY, 12.0])
    job = due_and(job, reconcile.release)
    assert (job.status, job.stop_reason, job.warnings) == ("cancelling", "", [])


# -- The clock ----------------------------------------------------------------------------------------------


def test_a_run_that_hangs_is_told_about_and_then_a_cluster_that_falls_silent(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["heartbeat"]
    with time_machine.travel(NOON, tick=False) as clock:
        job = at_cluster(alice)
        for minute in range(36):
            beat = f"2026-11-23T10:{min(minute, 25):02}:00Z"  # another clock, which stops after 25 minutes
            scripted.says("run-1", current_step=7, stage="training", heartbeat_at=beat)
            job = looked_at(job)
            clock.shift(60)
    told = [(event.detail["code"], event.created_at.minute) for event in job.events.filter(kind="warning")]
    assert told == [("sentinel_no_progress", 30), ("sentinel_no_heartbeat", 35)]


def test_a_heartbeat_that_the_cluster_does_not_announce_is_none(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = ["batch_status"]
    with time_machine.travel(NOON, tick=False) as clock:
        job = at_cluster(alice)
        for step in range(20):
            scripted.says("run-1", current_step=step, heartbeat_at="2026-11-23T10:00:00Z")
            job = looked_at(job)
            clock.shift(60)
    assert job.warnings == []


def test_a_run_that_saves_or_waits_for_gpus_is_not_expected_to_move(alice: User, scripted: ScriptedCluster) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        job = at_cluster(alice)
        for stage in ("model_loading", "preprocessing", "saving"):
            scripted.says("run-1", current_step=7, stage=stage)
            for _ in range(4):
                job = looked_at(job)
                clock.shift(1200)
    assert job.warnings == []


def test_a_run_that_hangs_again_after_it_was_resumed_is_told_about_again(
    alice: User, scripted: ScriptedCluster
) -> None:
    job = at_cluster(alice)
    with time_machine.travel(NOON, tick=False) as clock:
        for restart in (0, 1):
            scripted.says("run-1", current_step=7, stage="training", restart=restart)
            for _ in range(5):
                job = looked_at(job)
                clock.shift(600)
    told = job.events.filter(detail__code="sentinel_no_progress")
    assert [event.created_at.hour * 60 + event.created_at.minute for event in told] == [12 * 60 + 30, 13 * 60 + 20]
    assert codes(job) == ["sentinel_no_progress"]


def test_a_hanging_run_is_stopped_where_its_rules_say_so(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice, sentinel={"no_progress": "stop_and_keep"})
    scripted.says("run-1", current_step=7, stage="training")
    with time_machine.travel(NOON, tick=False) as clock:
        looked_at(job)
        clock.shift(1801)
        job = looked_at(job)
    assert (job.status, job.stop_reason) == ("cancelling", "stalled")


def test_a_new_attempt_is_watched_anew(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    assert job.attempts.get().sentinel_state == {}
    says_losses(scripted, STEADY)
    polled(job)
    assert job.attempts.get().sentinel_state["step"] == 40


# -- Asked for over the API ---------------------------------------------------------------------------------


def test_a_job_keeps_its_rules_and_shows_all_of_them(api: Api, alice: User) -> None:
    job = api(alice).post("/api/jobs", order(alice, sentinel={"nan": "notify", "zero": "off"})).json()["data"]["job"]
    assert job["sentinel"] == {
        "nan": "notify",
        "zero": "off",
        "spike": "notify",
        "divergence": "notify",
        "no_progress": "notify",
        "no_heartbeat": "notify",
    }


@pytest.mark.parametrize(
    ("rules", "field"),
    [({"nan": "explode"}, "sentinel.nan"), ({"boredom": "off"}, "sentinel.boredom"), (5, "sentinel")],
)
def test_rules_that_do_not_exist_are_refused_by_name(rules: Any, field: str, api: Api, alice: User) -> None:
    answer = api(alice).post("/api/jobs", order(alice, sentinel=rules))
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


def test_a_warning_tells_its_step_where_it_has_one(api: Api, alice: User) -> None:
    found = {"code": "sentinel_spike", "message": "It jumped.", "step": 41}
    other = {"code": "unknown_state", "message": "Hibernating."}
    job = factories.job(alice, warnings=[found, other])
    assert api(alice).get(f"/api/jobs/{job.pk}").json()["data"]["job"]["warnings"] == [found, other]


def test_a_retry_keeps_the_rules_but_for_those_it_changes(api: Api, alice: User) -> None:
    ended = factories.job(alice, Status.FAILED, sentinel={"nan": "notify", "zero": "off"})
    job = api(alice).post(f"/api/jobs/{ended.pk}/retry", {"sentinel": {"nan": "off"}}).json()["data"]["job"]
    assert (job["sentinel"]["nan"], job["sentinel"]["zero"]) == ("off", "off")
    request = api(alice).get(f"/api/jobs/{job['id']}/configuration").json()["data"]["request"]
    assert request["sentinel"] == job["sentinel"]


def test_the_rules_of_a_submitted_job_are_no_matter_of_the_cluster(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    submitted(queued(alice, sentinel={"nan": "notify"}))
    assert "sentinel" not in str(scripted.submits()[0])
