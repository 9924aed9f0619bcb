"""The breaker before each cluster: what opens it, who finds out whether it is over, and what operators hear of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from jobs import reconcile
from jobs.clusters.base import Unanswered
from jobs.models import Alert, Cluster, TrainingJob
from jobs.reconcile import breaker
from lora_pipeline.devstack import ports
from tests.contracts.wire import reply, reset
from tests.jobs.conftest import MakeJob, Meanwhile, at_cluster, due_and, polled, submitted
from tests.jobs.nodes import IMPATIENT
from tests.jobs.scripted import ScriptedCluster, refusing

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def is_open() -> bool:
    return Cluster.objects.filter(open_until__gt=timezone.now()).exists()


def asked_again(job: TrainingJob) -> TrainingJob:
    return due_and(job, lambda pk: reconcile.poll([pk]))


def running(alice: User, scripted: ScriptedCluster, count: int) -> list[TrainingJob]:
    """So many jobs, each polled once."""
    for number in range(count):
        scripted.says(f"run-{number}")
    return [polled(at_cluster(alice, f"run-{number}")) for number in range(count)]


def alerts() -> list[tuple[str, str]]:
    return list(Alert.objects.order_by("pk").values_list("kind", "subject"))


# -- What opens it ------------------------------------------------------------------------------------------


def test_five_errors_about_one_job_close_the_door_for_nobody(alice: User, scripted: ScriptedCluster) -> None:
    poisoned, sound = running(alice, scripted, 2)
    scripted.scripts["/training/status/run-0"] = reply(500)
    for _ in range(7):
        poisoned = asked_again(poisoned)
    assert "500" in poisoned.waiting_for
    assert not is_open()
    assert asked_again(sound).waiting_for == ""
    assert alerts() == []


def test_errors_about_five_jobs_open_it(alice: User, scripted: ScriptedCluster) -> None:
    jobs = running(alice, scripted, 5)
    scripted.scripts["/training/status"] = reply(500)
    for job in jobs[:4]:
        asked_again(asked_again(job))
    assert not is_open()
    asked_again(jobs[4])
    assert is_open()


@pytest.mark.parametrize("silence", [reset, reply(200, "garbage")], ids=["reset", "garbage"])
def test_five_calls_without_an_answer_open_it_whoever_asks(
    silence: Any, alice: User, scripted: ScriptedCluster
) -> None:
    [job] = running(alice, scripted, 1)
    scripted.scripts["/training/status"] = silence
    for _ in range(5):
        job = asked_again(job)
    assert is_open() is (silence is reset)


@pytest.mark.parametrize(
    "answer", [refusing(402), refusing(409), reply(500, Retry_After="7")], ids=["402", "409", "500"]
)
def test_a_cluster_that_answers_five_jobs_with_reasons_is_there(
    answer: Any, alice: User, scripted: ScriptedCluster
) -> None:
    jobs = running(alice, scripted, 5)
    scripted.scripts["/training/status"] = answer
    for job in jobs:
        asked_again(job)
    assert not is_open()
    assert Cluster.objects.get().consecutive_failures == 0


def test_errors_about_no_job_open_it_too(scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/capabilities"] = reply(500)
    for _ in range(5):
        assert not is_open()
        reconcile.refresh_all()
    assert is_open()


def test_a_silence_counts_also_after_an_error_about_the_same_job(alice: User, scripted: ScriptedCluster) -> None:
    [job] = running(alice, scripted, 1)
    scripted.scripts["/training/status"] = reply(500)
    asked_again(job)
    scripted.scripts["/training/status"] = reset
    for _ in range(4):
        asked_again(job)
    assert is_open()


def test_files_that_cannot_be_asked_for_count_as_well(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = ["artifacts"]
    scripted.scripts["/training/artifacts"] = reset
    job = at_cluster(alice, cluster_result="completed")
    for _ in range(5):
        assert not is_open()
        due_and(job, reconcile.collect)
    assert is_open()


def test_an_answer_in_between_starts_the_count_anew(alice: User, scripted: ScriptedCluster) -> None:
    [job] = running(alice, scripted, 1)
    for _ in range(3):
        scripted.scripts["/training/status"] = reset
        for _ in range(4):
            job = asked_again(job)
        scripted.scripts.clear()
        job = asked_again(job)
    assert not is_open()


# -- What operators hear ------------------------------------------------------------------------------------


def test_operators_hear_once_that_it_opened_and_once_that_the_cluster_is_back(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    jobs = running(alice, scripted, 3)
    scripted.scripts["/training/status"] = reset
    for _ in range(20):
        jobs = [asked_again(job) for job in jobs]
        clock.shift(65)
    assert alerts() == [("cluster_closed", "default")]
    scripted.scripts.clear()
    for _ in range(3):
        jobs = [asked_again(job) for job in jobs]
        clock.shift(65)
    assert alerts() == [("cluster_closed", "default"), ("cluster_back", "default")]
    assert {job.waiting_for for job in jobs} == {""}
    row = Cluster.objects.get()
    assert (row.open_until, row.consecutive_failures, row.failed_about, row.last_error) == (None, 0, [], "")


def test_a_refused_key_is_told_with_the_setting_to_check(
    alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/"] = refusing(401)
    submitted(queued(alice))
    assert "GPU_CLUSTER_API_KEY" in Alert.objects.get(kind="cluster_closed").message


def test_a_cluster_that_is_no_longer_in_the_settings_is_told_as_well(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = running(alice, scripted, 1)
    TrainingJob.objects.filter(pk=job.pk).update(cluster="gone")
    for _ in range(6):
        clock.shift(3600)
        job = asked_again(job)
    assert alerts() == [("cluster_closed", "gone")]
    assert (job.status, job.waiting_for) == (
        "running",
        "Waiting for the GPU cluster: There is no cluster 'gone' in GPU_CLUSTERS.",
    )


def test_a_refused_key_is_known_for_one_until_it_is_taken(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = running(alice, scripted, 1)
    scripted.scripts["/training/status"] = refusing(403)
    asked_again(job)
    assert Cluster.objects.get().key_refused
    scripted.scripts.clear()
    clock.shift(61)
    asked_again(job)
    assert not Cluster.objects.get().key_refused


def test_a_cluster_that_is_back_opens_no_other_ones_door(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = opened(alice, scripted, 1)
    clock.shift(61)
    other = Cluster.objects.create(name="other", open_until=timezone.now() + timedelta(seconds=50))
    scripted.scripts.clear()
    assert asked_again(job).waiting_for == ""
    other.refresh_from_db()
    assert other.open_until is not None
    assert alerts() == [("cluster_closed", "default"), ("cluster_back", "default")]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_operators_hear_once_however_many_workers_notice_at_the_same_time(settings: Any) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": f"http://127.0.0.1:{ports.free()}", "KEY": "key"}}
    Cluster.objects.create(name="default")

    def all_at_once(note: Callable[[], None]) -> None:
        def worker(_: int) -> None:
            try:
                note()
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as workers:
            list(workers.map(worker, range(16)))

    all_at_once(lambda: breaker.failed("default", Unanswered("Silence.")))
    assert alerts() == [("cluster_closed", "default")]
    assert Cluster.objects.get().consecutive_failures == 16
    all_at_once(lambda: breaker.answered("default"))
    assert alerts() == [("cluster_closed", "default"), ("cluster_back", "default")]


# -- Who finds out ------------------------------------------------------------------------------------------


def opened(alice: User, scripted: ScriptedCluster, count: int) -> list[TrainingJob]:
    """So many jobs of a cluster that went silent."""
    jobs = running(alice, scripted, count)
    scripted.scripts["/training/status"] = reset
    for _ in range(5):
        asked_again(jobs[0])
    return jobs


def test_one_call_finds_out_whether_it_is_over_not_those_of_all_jobs(
    alice: User, queued: MakeJob, scripted: ScriptedCluster, meanwhile: Meanwhile, clock: time_machine.Traveller
) -> None:
    jobs = opened(alice, scripted, 3)
    calls = len(scripted.asked("/training/status"))
    clock.shift(61)
    meanwhile(lambda: [asked_again(job) for job in jobs])
    submitted(queued(alice))
    assert len(scripted.submits()) == 1
    assert len(scripted.asked("/training/status")) == calls


def test_of_many_that_saw_its_end_at_the_same_moment_one_calls(db: None) -> None:
    now = timezone.now()
    Cluster.objects.create(name="other", open_until=now)
    Cluster.objects.create(name="default", open_until=now)
    seen_by_each = [Cluster.objects.get(name="default") for _ in range(3)]
    waits = [breaker.wait(row, now=now, may_probe=True) for row in seen_by_each]
    assert waits == [None, breaker.PROBE_FOR, breaker.PROBE_FOR]
    assert Cluster.objects.get(name="other").open_until == now


def test_whoever_only_reads_a_log_does_not_take_that_call_away(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    scripted.features = ["logs_cursor", "checkpoints", "lookup"]
    [job] = opened(alice, scripted, 1)
    scripted.scripts.clear()
    clock.shift(61)
    for read in (reconcile.pull, reconcile.fetch):
        read(job.pk)
    reconcile.sweep_orphans()
    assert asked_again(job).waiting_for == ""


def test_bringing_files_home_finds_out_as_well(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    scripted.features = ["artifacts"]
    [job] = opened(alice, scripted, 1)
    TrainingJob.objects.filter(pk=job.pk).update(cluster_result="completed")
    scripted.scripts["/training/artifacts"] = reply(200, {"files": [], "complete": False})
    clock.shift(61)
    due_and(job, reconcile.collect)
    assert alerts() == [("cluster_closed", "default"), ("cluster_back", "default")]


def test_a_worker_that_died_while_it_found_out_does_not_keep_the_door_closed(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = opened(alice, scripted, 1)
    clock.shift(61)
    Cluster.objects.update(open_until=timezone.now() + timedelta(seconds=30))  # what the dead one left
    scripted.scripts.clear()
    assert "Waiting" in asked_again(job).waiting_for
    clock.shift(31)
    assert asked_again(job).waiting_for == ""


def test_a_wrong_clock_does_not_close_the_door_for_years(alice: User, scripted: ScriptedCluster) -> None:
    [job] = opened(alice, scripted, 1)
    Cluster.objects.update(open_until=timezone.now() + timedelta(days=900))
    scripted.scripts.clear()
    assert asked_again(job).waiting_for == ""


def test_without_jobs_the_look_at_clusters_finds_out(
    settings: Any, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    reachable = settings.GPU_CLUSTERS
    settings.GPU_CLUSTERS = {"default": {"URL": f"http://127.0.0.1:{ports.free()}", "KEY": "key", "DRIVER": IMPATIENT}}
    for _ in range(6):
        reconcile.refresh_all()
        clock.shift(31)
    settings.GPU_CLUSTERS = reachable
    for _ in range(3):
        reconcile.refresh_all()
        clock.shift(31)
    assert alerts() == [("cluster_closed", "default"), ("cluster_back", "default")]


def test_the_look_at_clusters_leaves_the_one_call_to_a_job(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = opened(alice, scripted, 1)
    scripted.scripts.clear()
    clock.shift(61)
    reconcile.refresh_all()
    assert asked_again(job).waiting_for == ""


@pytest.mark.parametrize("answer", [reset, refusing(401)], ids=["silence", "refused key"])
def test_a_cluster_that_only_tells_what_it_can_do_is_not_back(
    answer: Any, alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    [job] = running(alice, scripted, 1)
    scripted.scripts["/training/status"] = answer
    for _ in range(5):
        asked_again(job)
    if answer is not reset:  # then not even without jobs: only a job's call shows the key
        TrainingJob.objects.update(status="failed")
    clock.shift(61)
    reconcile.refresh_all()
    assert alerts() == [("cluster_closed", "default")]


# -- What it can do, learned anew ---------------------------------------------------------------------------


def test_a_cluster_that_falls_back_to_level_1_is_followed_from_the_next_poll_on(
    alice: User, scripted: ScriptedCluster
) -> None:
    scripted.features = ["batch_status", "metrics_cursor"]
    scripted.says("run-1")
    job = polled(at_cluster(alice))
    scripted.features = None
    scripted.scripts["/training/status"] = level_1_status(scripted)
    scripted.says("run-1", progress=30.0)
    job = asked_again(asked_again(job))
    assert (job.progress, job.waiting_for) == (30.0, "")
    assert Cluster.objects.get().level == 1


def test_a_cluster_that_has_lost_its_points_alone_is_noticed_too(alice: User, scripted: ScriptedCluster) -> None:
    scripted.features = ["metrics_cursor"]
    scripted.says("run-1")
    job = at_cluster(alice)
    polled(job)
    scripted.features = ["heartbeat"]
    scripted.says("run-1", progress=30.0)
    job = asked_again(asked_again(job))
    assert job.progress == 30.0


def test_a_cluster_that_fell_to_level_1_during_a_submission_is_not_asked_twice(
    alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    scripted.features = ["idempotent_submit"]
    reconcile.refresh_all()
    scripted.features = None
    scripted.takes_and_hangs_up()
    job = submitted(submitted(queued(alice)))
    assert (job.status, job.current_stage) == ("queued", "submission_unconfirmed")
    assert len(scripted.submits()) == 1


def level_1_status(scripted: ScriptedCluster) -> Any:
    """Single jobs can be asked for; the address of level 2 does not exist."""

    def script(connection: Any, request: Any) -> None:
        external_id = request.path.removeprefix("/training/status").strip("/")
        known = scripted.jobs.get(external_id)
        (reply(404) if known is None else reply(200, known))(connection, request)

    return script
