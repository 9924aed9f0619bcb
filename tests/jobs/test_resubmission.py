"""A job whose machine was lost or taken away is started again by itself, within limits, and is billed for all of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import callbacks, reconcile, services
from jobs.models import Cluster, MetricsPoint, TrainingJob
from tests import factories
from tests.contracts.wire import reply
from tests.datasets.conftest import PutObject
from tests.jobs.conftest import MakeJob, UseNode, due_and, due_now, polled, submitted, work_until
from tests.jobs.scripted import Json, ScriptedCluster
from tests.jobs.test_callbacks import FILE, call

pytestmark = pytest.mark.django_db

LEVEL_2 = ["idempotent_submit", "lookup", "batch_status", "billing", "checkpoints"]


@pytest.fixture
def job(alice: User, queued: MakeJob, scripted: ScriptedCluster) -> TrainingJob:
    """A job that trains as run-1, at 4.20 per hour on each of two GPUs."""
    scripted.features = LEVEL_2
    job = submitted(queued(alice))
    scripted.says("run-1", progress=60.0, current_step=70, total_steps=120)
    return polled(job)


def fails(
    scripted: ScriptedCluster, job: TrainingJob, code: str = "node_lost", *, billed_s: float = 3600, **status: Any
) -> TrainingJob:
    """The job after its cluster said that its present run failed."""
    billing = {"billable_seconds": billed_s, "gpu_count": 2, "final": True}
    scripted.says(job.external_job_id, "failed", error_code=code, error_message="Gone.", billing=billing, **status)
    return due_and(job, lambda pk: reconcile.poll([pk]))


def orders(scripted: ScriptedCluster) -> list[Json]:
    return scripted.submits()


# -- The way back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "what"),
    [("node_lost", "The machine was lost"), ("preempted", "The cluster took the GPUs away for other work")],
)
def test_the_job_goes_on_from_its_newest_checkpoint_as_its_next_attempt(
    code: str, what: str, job: TrainingJob, scripted: ScriptedCluster
) -> None:
    for step in (30, 60):
        factories.checkpoint(job, step)
    job = fails(scripted, job, code)
    assert (job.status, job.attempt, job.error_code, job.external_job_id) == ("queued", 2, "", "")
    assert job.waiting_for == f"{what}; going on from step 60 (attempt 2 of 3)."
    assert (job.current_step, job.progress) == (60, 50.0)
    event = job.events.filter(kind="status").last()
    assert event is not None
    assert (event.from_status, event.to_status, event.message) == ("running", "queued", job.waiting_for)
    assert event.detail == {"code": code, "attempt": 2, "step": 60, "reason": "Gone."}

    job = submitted(job)
    assert (job.status, job.external_job_id, job.waiting_for) == ("initializing", "run-2", "")
    first, second = orders(scripted)
    assert (first["attempt"], first["key"], "resume_from" in first) == (1, f"{job.pk}:1", False)
    assert (second["attempt"], second["key"]) == (2, f"{job.pk}:2")
    assert (second["resume_from"]["external_job_id"], second["resume_from"]["step"]) == ("run-1", 60)
    assert job.events.filter(message="The cluster accepted the job again: attempt 2, from step 60.").exists()


def test_it_waits_a_while_first(job: TrainingJob, scripted: ScriptedCluster) -> None:
    job = fails(scripted, job)
    assert job.next_attempt_at >= timezone.now() + timedelta(seconds=25)
    reconcile.submit(job.pk)
    assert job.pk not in reconcile.select(timezone.now()).submit
    assert len(orders(scripted)) == 1


def test_the_next_attempt_is_watched_and_ends_like_any_other(job: TrainingJob, scripted: ScriptedCluster) -> None:
    started_at = job.started_at
    job = submitted(fails(scripted, job))
    scripted.says("run-2", progress=10.0, state_seq=1)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert (job.status, job.progress, job.started_at) == ("running", 10.0, started_at)
    scripted.says("run-2", "completed", billing={"billable_seconds": 1800, "final": True})
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert job.status == "completed"
    assert list(job.attempts.values_list("number", "external_job_id", "end_reason", "cost")) == [
        (1, "run-1", "node_lost", Decimal("8.40")),
        (2, "run-2", "completed", Decimal("4.20")),
    ]


def test_without_a_checkpoint_it_starts_from_the_beginning(job: TrainingJob, scripted: ScriptedCluster) -> None:
    job = fails(scripted, job)
    assert job.waiting_for == "The machine was lost; starting from the beginning (attempt 2 of 3)."
    assert (job.current_step, job.progress) == (0, 0.0)
    submitted(job)
    assert "resume_from" not in orders(scripted)[1]


def test_a_cluster_that_cannot_resume_starts_from_the_beginning(
    alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    scripted.features = ["idempotent_submit"]
    job = submitted(queued(alice))
    factories.checkpoint(job, 30)
    job = submitted(fails(scripted, job))
    assert "resume_from" not in orders(scripted)[1]


def test_a_checkpoint_of_the_last_step_leaves_nothing_to_train(job: TrainingJob, scripted: ScriptedCluster) -> None:
    for step in (60, 120):
        factories.checkpoint(job, step)
    assert "step 60" in fails(scripted, job).waiting_for


def test_an_attempt_that_was_resumed_itself_goes_on_where_the_job_had_come(
    job: TrainingJob, scripted: ScriptedCluster
) -> None:
    factories.checkpoint(job, 30)
    job = fails(scripted, submitted(fails(scripted, job)))
    assert (job.attempt, job.waiting_for) == (3, "The machine was lost; going on from step 30 (attempt 3 of 3).")


def test_a_checkpoint_that_comes_home_during_the_wait_is_used(
    job: TrainingJob, scripted: ScriptedCluster, put_object: PutObject, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = "https://control.example"
    factories.checkpoint(job, 30)
    job = fails(scripted, job, checkpoints=2)
    saved = {"step": 60, "restart": 0, "files": [{"path": "adapter.bin", "size": 7, "sha256": "ab" * 32}]}
    scripted.scripts["/training/checkpoints/run-1"] = reply(200, {"checkpoints": [saved]})
    assert call(job, "uploads", {"files": [FILE]}, attempt=1).status_code == 200
    put_object(f"alice/{job.pk}/1/checkpoints/step-000060-r0/adapter.bin", b"weights", bucket="lora-models")
    assert reconcile.select(timezone.now()).fetch == [job.pk]
    reconcile.fetch(job.pk)
    job = submitted(job)
    assert orders(scripted)[1]["resume_from"]["step"] == 60
    assert job.current_step == 60


def test_a_checkpoint_that_the_cluster_offers_is_fetched_during_the_wait(
    job: TrainingJob, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = fails(scripted, job, checkpoints=1)
    file = {"path": "adapter.bin", "size": 7, "url": f"{scripted.url}/files/adapter.bin"}
    scripted.scripts["/training/checkpoints/run-1"] = reply(200, {"checkpoints": [{"step": 60, "files": [file]}]})
    scripted.scripts["/files"] = reply(200, "weights")
    reconcile.fetch(job.pk)
    path = f"alice/{job.pk}/1/checkpoints/step-000060-r0/adapter.bin"
    assert store.head(bucket="lora-models", path=path).size == 7
    submitted(job)
    assert orders(scripted)[1]["resume_from"]["step"] == 60


def test_points_of_both_attempts_are_kept(job: TrainingJob, scripted: ScriptedCluster) -> None:
    scripted.says("run-1", points=[{"seq": 1, "step": 5, "values": {"training_loss": 2.0}}], next=1)
    due_and(job, lambda pk: reconcile.poll([pk]))
    job = submitted(fails(scripted, job))
    scripted.says("run-2", points=[{"seq": 1, "step": 5, "values": {"training_loss": 1.0}}], next=1)
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    assert list(MetricsPoint.objects.filter(job=job).values_list("attempt", "step", "training_loss")) == [
        (1, 5, 2.0),
        (2, 5, 1.0),
    ]


# -- Limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1])
def test_it_is_started_again_only_so_often(
    most: int, job: TrainingJob, scripted: ScriptedCluster, settings: Any
) -> None:
    settings.JOB_AUTOMATIC_RESUBMISSIONS = most
    for _ in range(most):
        job = submitted(fails(scripted, job))
    job = fails(scripted, job)
    assert (job.status, job.error_code, job.attempt) == ("failed", "node_lost", most + 1)
    assert len(orders(scripted)) == most + 1


@pytest.mark.parametrize("code", ["out_of_memory", "nan_loss", "max_runtime", "disk_full", "cosmic_rays", ""])
def test_what_would_happen_again_fails_at_once(code: str, job: TrainingJob, scripted: ScriptedCluster) -> None:
    job = fails(scripted, job, code)
    assert (job.status, job.attempt) == ("failed", 1)


@pytest.mark.parametrize("features", [None, ["lookup", "batch_status", "checkpoints"]])
def test_a_cluster_that_cannot_tell_attempts_apart_is_not_asked_again(
    features: list[str] | None, alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    scripted.features = features
    job = fails(scripted, submitted(queued(alice)))
    assert (job.status, job.error_code) == ("failed", "node_lost")


def test_a_job_whose_budget_is_used_is_not_started_again(job: TrainingJob, scripted: ScriptedCluster) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(max_cost=Decimal("8.40"))
    job = fails(scripted, job)
    assert (job.status, job.error_code, job.final_cost) == ("failed", "node_lost", Decimal("8.40"))


def test_a_job_that_is_being_cancelled_is_not_started_again(
    alice: User, job: TrainingJob, scripted: ScriptedCluster
) -> None:
    services.job_cancel(user=alice, job_id=job.pk)
    scripted.says("run-1", "failed", error_code="node_lost")
    job = due_and(job, reconcile.release)
    assert (job.status, job.attempt) == ("failed", 1)


def test_a_cancel_during_the_wait_ends_the_job_at_once(
    alice: User, job: TrainingJob, scripted: ScriptedCluster
) -> None:
    job = fails(scripted, job)
    services.job_cancel(user=alice, job_id=job.pk)
    job = submitted(job)
    assert (job.status, job.final_cost, job.current_cost) == ("cancelled", Decimal("8.40"), Decimal("8.40"))
    assert (len(orders(scripted)), scripted.asked("/training/cancel")) == (1, [])


# -- Money --------------------------------------------------------------------------------------------------


def test_a_job_costs_the_sum_of_its_attempts_and_never_less_on_the_way(
    job: TrainingJob, scripted: ScriptedCluster
) -> None:
    seen = [job.current_cost]
    job = fails(scripted, job)
    seen.append(job.current_cost)
    job = submitted(job)
    seen.append(job.current_cost)
    scripted.says("run-2", billing={"billable_seconds": 60, "final": False})
    job = due_and(job, lambda pk: reconcile.poll([pk]))
    seen.append(job.current_cost)
    job = fails(scripted, job, "out_of_memory", billed_s=1800)
    assert seen == sorted(seen)
    assert (job.final_cost, job.current_cost) == (Decimal("12.60"), Decimal("12.60"))
    assert list(job.cost_records.order_by("attempt").values_list("attempt", "amount")) == [
        (1, Decimal("8.40")),
        (2, Decimal("4.20")),
    ]


def test_an_estimate_that_was_too_high_is_corrected_at_the_end_alone(
    alice: User, job: TrainingJob, scripted: ScriptedCluster
) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(current_cost=Decimal("10.00"))
    job = fails(scripted, job)
    assert (job.current_cost, job.final_cost) == (Decimal("10.00"), None)
    services.job_cancel(user=alice, job_id=job.pk)
    job.refresh_from_db()
    assert (job.current_cost, job.final_cost) == (Decimal("8.40"), Decimal("8.40"))
    assert job.events.filter(kind="cost").count() == 1


# -- One at a time ------------------------------------------------------------------------------------------


def test_the_same_news_twice_makes_one_new_attempt(job: TrainingJob, scripted: ScriptedCluster) -> None:
    job = fails(scripted, job)
    for _ in range(3):
        due_now(job)
        reconcile.poll([job.pk])
    job.refresh_from_db()
    assert (job.attempt, job.events.filter(to_status="queued", from_status="running").count()) == (2, 1)


def test_a_late_word_of_the_lost_attempt_does_not_touch_the_next(
    job: TrainingJob, scripted: ScriptedCluster, put_object: PutObject
) -> None:
    job = submitted(fails(scripted, job))
    for door, body in (("events", {"event_id": "1"}), ("uploads", {"files": [FILE]}), ("dataset", None)):
        assert call(job, door, body, attempt=1).status_code == 404
        assert call(job, door, body, attempt=2, token=callbacks.token(job.pk, 1)).status_code == 404
        assert call(job, door, body, attempt=2).status_code < 300


def test_what_the_cluster_lists_of_the_lost_attempt_is_not_taken_for_the_next(
    job: TrainingJob, scripted: ScriptedCluster
) -> None:
    job = fails(scripted, job)
    scripted.features = ["lookup"]  # it no longer numbers attempts
    scripted.takes_and_hangs_up()
    job = submitted(job)
    assert job.current_stage == "submission_unconfirmed"
    scripted.listed = [listed for listed in scripted.listed if listed["external_job_id"] == "run-1"]
    job = submitted(job)
    assert (job.status, job.external_job_id) == ("queued", "")


def test_a_cluster_that_answers_with_the_lost_run_is_not_believed(job: TrainingJob, scripted: ScriptedCluster) -> None:
    job = fails(scripted, job)
    scripted.scripts["/training/submit"] = reply(200, {"external_job_id": "run-1"})
    job = submitted(job)
    assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")


def test_the_whole_log_has_both_attempts(job: TrainingJob, scripted: ScriptedCluster, store: ObjectStore) -> None:
    scripted.features = [*LEVEL_2, "logs_cursor"]
    for run, line in (("run-1", "first"), ("run-2", "second")):
        scripted.scripts[f"/training/logs/{run}"] = reply(200, {"lines": [line], "next": 1, "has_more": False})
    Cluster.objects.update(checked_at=None)
    reconcile.pull(job.pk)
    job = submitted(fails(scripted, job))
    reconcile.pull(job.pk)
    assert job.log.tail == "first\n--- Attempt 2 ---\nsecond"
    job = fails(scripted, job, "out_of_memory")
    reconcile.archive(job.pk)
    job.log.refresh_from_db()
    content = b"".join(store.stream(bucket="lora-models", path=job.log.storage_path))
    assert content == b"--- Attempt 1 ---\nfirst\n--- Attempt 2 ---\nsecond\n"


# -- A real node --------------------------------------------------------------------------------------------


def test_a_real_run_survives_the_loss_of_its_machine(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    node = use_node(level=2)
    job = queued(alice)
    node.fault("job", {"outcome": {"kind": "node_lost", "at_step": 40}}, job=job, times=1)
    job = work_until(job, "completed", "failed")
    assert (job.status, job.attempt) == ("completed", 2)
    assert len(node.paid(job)) == 2
    records = list(job.cost_records.all())
    assert [record.attempt for record in sorted(records, key=lambda record: record.attempt)] == [1, 2]
    assert job.final_cost == sum(record.amount for record in records)
    assert job.artifact.storage_prefix == f"alice/{job.pk}/2/"
