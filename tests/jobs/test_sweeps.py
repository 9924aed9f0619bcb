"""No job is ever stuck: each status has something that moves, ends or reports it, and the user reads what it waits for.

docs/lifecycle.md has the table; each of its rows is a scenario here.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from jobs import services
from jobs.models import Alert, ModelArtifact, TrainingJob
from jobs.states import Status
from tests.contracts.wire import reply, reset
from tests.jobs.conftest import FAR, World, changed, submitted, tick

pytestmark = pytest.mark.django_db

DOCS = Path(django_settings.BASE_DIR) / "docs" / "lifecycle.md"
Scenario = Callable[[World], TrainingJob]
MOVERS: dict[str, Scenario] = {}


# -- The table ----------------------------------------------------------------------------------------------


def row(name: str) -> Callable[[Scenario], Scenario]:
    """Makes a scenario that of the table's row with this name. It checks the row, and gives back its job."""

    def note(scenario: Scenario) -> Scenario:
        MOVERS[name] = scenario
        return scenario

    return note


def documented() -> list[str]:
    table = DOCS.read_text("utf-8").partition("## Who moves a job")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    return [name for name in rows if name != "the job is"]


def test_the_table_and_the_scenarios_are_the_same() -> None:
    assert documented() == list(MOVERS)


@row("`queued`")
def is_submitted(world: World) -> TrainingJob:
    job = world.queued(world.alice)
    world.cluster.scripts["/training/submit"] = reply(503, {"title": "Full"}, **{"Retry-After": "60"})
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert (job.status, job.waiting_for) == ("queued", "Waiting for the GPU cluster: The cluster answered 503: Full")
    world.cluster.scripts.clear()
    world.ticks(minutes=2)
    job.refresh_from_db()
    assert job.status == "initializing"
    return job


@row("`queued`, `submission_unconfirmed`")
def is_found_out_or_given_up(world: World) -> TrainingJob:
    job = world.queued(world.alice)
    world.cluster.takes_and_hangs_up()
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert job.current_stage == "submission_unconfirmed"
    assert job.waiting_for.startswith("Waiting to learn whether the GPU cluster took the job")
    world.ticks(minutes=15)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")
    return job


@row("`queued` for its next attempt")
def is_submitted_again(world: World) -> TrainingJob:
    world.cluster.features = ["idempotent_submit"]
    job = submitted(world.queued(world.alice))
    world.cluster.says("run-1", "failed", error_code="node_lost")
    tick()
    job.refresh_from_db()
    assert job.waiting_for == "The machine was lost; starting from the beginning (attempt 2 of 3)."
    world.ticks(minutes=1.5)
    job.refresh_from_db()
    assert (job.status, job.external_job_id) == ("initializing", "run-2")
    return job


@row("`initializing`")
def is_polled_until_it_runs(world: World) -> TrainingJob:
    world.cluster.says("run-1", "queued")
    job = world.job(status=Status.INITIALIZING)
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert (job.status, job.current_stage) == ("initializing", "queued_on_gpu")
    world.cluster.says("run-1")
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert job.status == "running"
    return job


@row("`running`")
def is_polled_until_it_ends(world: World) -> TrainingJob:
    world.cluster.says("run-1")
    job = world.job()
    world.cluster.scripts["/training/status"] = reset
    world.ticks(minutes=10)
    job.refresh_from_db()
    assert (job.status, job.waiting_for.startswith("Waiting for the GPU cluster: ")) == ("running", True)
    world.cluster.scripts.clear()
    world.cluster.says("run-1", "completed")
    world.ticks(minutes=15)
    job.refresh_from_db()
    assert job.status == "completed"
    return job


@row("unknown to its cluster")
def is_lost_after_a_while(world: World) -> TrainingJob:
    job = world.job()
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert job.waiting_for == "The GPU cluster says that it does not know this job; asking again."
    world.ticks(minutes=5)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "lost")
    return job


@row("`running`, `finalization`")
def is_collected_or_given_up(world: World) -> TrainingJob:
    world.cluster.features = ["artifacts"]
    world.cluster.says("run-1", "completed")
    world.cluster.scripts["/training/artifacts"] = reply(200, {"files": [], "complete": False})
    job = world.job()
    world.ticks(minutes=2)
    job.refresh_from_db()
    assert (job.current_stage, job.waiting_for) == (
        "finalization",
        "Waiting for the GPU cluster to hand all files over.",
    )
    world.ticks(minutes=25 * 60, every_s=600)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "artifact_unavailable")
    return job


@row("`cancelling`")
def is_stopped_until_the_cluster_says_so(world: World) -> TrainingJob:
    world.cluster.says("run-1")
    job = world.job()
    services.job_cancel(user=world.alice, job_id=job.pk)
    world.cluster.scripts["/training/cancel"] = reset
    world.ticks(minutes=10)
    job.refresh_from_db()
    assert (job.status, job.waiting_for.startswith("Still cancelling: ")) == ("cancelling", True)
    assert "cancel_not_confirmed" in {warning["code"] for warning in job.warnings}
    world.cluster.scripts.clear()
    world.ticks(minutes=3)
    assert world.cluster.asked("/training/cancel")
    world.cluster.says("run-1", "cancelled")
    world.ticks(minutes=2)
    job.refresh_from_db()
    assert job.status == "cancelled"
    return job


@row("`cancelling`, `finalization`")
def is_collected_for_an_hour(world: World) -> TrainingJob:
    world.cluster.features = ["artifacts", "async_cancel"]
    released = {"released_at": timezone.now().isoformat()}
    world.cluster.says("run-1", "cancelled", **released)
    world.cluster.scripts["/training/artifacts"] = reply(200, {"files": [], "complete": False})
    job = world.job()
    services.job_cancel(user=world.alice, job_id=job.pk, keep_adapter=True)
    world.ticks(minutes=5)
    job.refresh_from_db()
    assert (job.status, job.current_stage) == ("cancelling", "finalization")
    assert job.waiting_for == "Waiting for the GPU cluster to hand all files over."
    world.ticks(minutes=90, every_s=300)
    job.refresh_from_db()
    assert job.status == "cancelled"
    return job


@row("of a cluster that is no longer in the settings")
def stays_and_says_so(world: World) -> TrainingJob:
    job = changed(world.job(), cluster="gone")
    world.ticks(minutes=60, every_s=300)
    job.refresh_from_db()
    assert (job.status, job.waiting_for) == (
        "running",
        "Waiting for the GPU cluster: There is no cluster 'gone' in GPU_CLUSTERS.",
    )
    assert Alert.objects.filter(kind="cluster_closed", subject="gone").count() == 1
    return job


@row("leased by a worker that died")
def is_taken_over(world: World) -> TrainingJob:
    world.cluster.says("run-1", "completed")
    soon = timezone.now() + timedelta(seconds=60)
    job = changed(world.job(), lease_token=uuid.uuid4(), lease_expires_at=soon)
    tick()
    assert changed(job).status == "running"
    world.ticks(minutes=2)
    job.refresh_from_db()
    assert job.status == "completed"
    return job


@row("due, or leased, by a clock that was wrong")
def is_due_all_the_same(world: World) -> TrainingJob:
    world.cluster.says("run-1", "completed")
    later = timezone.now() + FAR
    job = changed(world.job(), next_poll_at=later, lease_token=uuid.uuid4(), lease_expires_at=later)
    waiting = changed(world.queued(world.alice), next_attempt_at=later)
    tick()
    assert (changed(job).status, changed(waiting).status) == ("completed", "initializing")
    return job


@row("ended at its cluster, which says that it has more points and does not hand them over")
def ends_without_its_last_points(world: World) -> TrainingJob:
    world.cluster.features = ["batch_status", "metrics_cursor"]
    world.cluster.says("run-1", "failed", points=[], next=0, has_more=True)
    world.cluster.scripts["/training/metrics/run-1"] = reply(500)
    job = world.job()
    world.ticks(minutes=2)
    assert changed(job).status == "running"
    assert job.waiting_for == "The run has ended; the GPU cluster still has to hand over the rest of its points."
    world.ticks(minutes=65, every_s=60)
    assert changed(job).status == "failed"
    assert [warning["code"] for warning in job.warnings] == ["points_missing"]
    return job


@row("at its cluster under an id that no row remembers")
def is_looked_up_or_given_up(world: World) -> TrainingJob:
    world.cluster.features = ["lookup"]
    job, known = world.job("run-1"), world.job("run-2")
    for each in (job, known):
        changed(each, external_job_id="")
        each.attempts.update(external_job_id="")
    world.cluster.says("run-2")
    world.cluster.listed = [{"external_job_id": "run-2", "job_id": str(known.pk), "status": "running"}]
    world.ticks(minutes=1)
    assert (changed(known).external_job_id, known.waiting_for) == ("run-2", "")
    assert changed(job).waiting_for == "Nobody knows under which id the GPU cluster runs this job; looking for it."
    world.ticks(minutes=5)
    assert (changed(job).status, job.error_code) == ("failed", "lost")
    return job


@row("without a row for its attempt")
def gets_it_again(world: World) -> TrainingJob:
    world.cluster.says("run-1", "completed")
    world.cluster.says("run-2", "cancelled")
    job, stopped, never = world.job("run-1"), world.job("run-2"), world.queued(world.alice)
    for each in (stopped, never):
        changed(each, status="cancelling", submission_key="key")
    for each in (job, stopped):
        each.attempts.all().delete()
    world.ticks(minutes=1)
    assert [changed(each).status for each in (job, stopped, never)] == ["completed", "cancelled", "cancelled"]
    return job


@row("in finalization without a row for its files")
def gets_the_row_again(world: World) -> TrainingJob:
    world.cluster.features = ["artifacts"]
    file = {"path": "adapter.bin", "size": 7, "url": f"{world.cluster.url}/files/adapter.bin"}
    world.cluster.scripts["/training/artifacts"] = reply(200, {"files": [file], "complete": True})
    world.cluster.scripts["/files"] = reply(200, "weights")
    job = changed(world.job(), cluster_result="completed", cluster_ended_at=None)
    world.ticks(minutes=1)
    job.refresh_from_db()
    assert (job.status, ModelArtifact.objects.get(job=job).status) == ("completed", "ready")
    return job


@pytest.mark.parametrize("name", list(MOVERS))
def test_every_row_of_the_table_moves_or_reports_its_job(name: str, world: World) -> None:
    job = MOVERS[name](world)
    assert job.is_terminal or job.waiting_for or job.external_job_id
