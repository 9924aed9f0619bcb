"""A run's log: its last lines in the database, the whole of it in storage after the end."""

import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import reconcile
from jobs.models import JobLog, TrainingJob
from jobs.reconcile import logs
from jobs.states import Status
from tests.contracts.wire import Request, reply
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, work_until
from tests.jobs.scripted import ScriptedCluster

pytestmark = pytest.mark.django_db


def has_log(scripted: ScriptedCluster, lines: list[str], *, page: int = 400) -> None:
    """The cluster keeps these lines and gives them out page by page; a line's cursor is its number."""
    scripted.features = ["logs_cursor", "batch_status"]

    def script(connection: socket.socket, request: Request) -> None:
        after = int(request.target.rpartition("after=")[2])
        given = lines[after : after + page]
        body = {"lines": given, "next": after + len(given), "has_more": after + len(given) < len(lines)}
        reply(200, json.dumps(body))(connection, request)

    scripted.scripts["/training/logs"] = script


def pulled(job: TrainingJob) -> JobLog:
    reconcile.pull(job.pk)
    return JobLog.objects.get(job=job)


def test_all_pages_are_taken_over_and_the_tail_is_bounded(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    has_log(scripted, [f"line {number}" for number in range(1, 1301)])
    log = pulled(job)
    assert (log.total_lines, log.cursor) == (1300, 1300)
    assert log.tail.splitlines() == [f"line {number}" for number in range(801, 1301)]


def test_long_lines_do_not_make_a_long_tail(alice: User, scripted: ScriptedCluster) -> None:
    has_log(scripted, ["x" * 9000] * 50)
    assert len(pulled(at_cluster(alice)).tail) <= logs.TAIL_CHARS


def test_looking_again_adds_only_what_is_new(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    has_log(scripted, ["one"])
    pulled(job)
    pulled(job)
    has_log(scripted, ["one", "two"])
    log = pulled(job)
    assert (log.tail, log.total_lines) == ("one\ntwo", 2)


def test_a_cursor_that_goes_back_or_for_ever_on_adds_nothing(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    has_log(scripted, ["one", "two"])
    pulled(job)
    scripted.scripts["/training/logs"] = reply(200, {"lines": ["again"], "next": 1, "has_more": True})
    assert pulled(job).tail == "one\ntwo"


def test_lines_that_a_database_refuses_are_cleaned(alice: User, scripted: ScriptedCluster) -> None:
    has_log(scripted, ["a\0b", "lone \ud800 surrogate", "ü"])
    assert "\0" not in pulled(at_cluster(alice)).tail


def test_a_log_that_cannot_be_had_is_no_error(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    reconcile.pull(job.pk)
    has_log(scripted, ["one"])
    scripted.scripts["/training/logs"] = reply(500)
    reconcile.pull(job.pk)
    reconcile.pull("00000000-0000-4000-8000-000000000000")


def test_after_the_end_the_whole_log_lies_in_storage(
    alice: User, scripted: ScriptedCluster, store: ObjectStore
) -> None:
    job = at_cluster(alice, status=Status.COMPLETED)
    lines = [f"line {number}" for number in range(1000)]
    has_log(scripted, lines)
    for _ in range(2):
        reconcile.archive(job.pk)
    log = JobLog.objects.get()
    assert log.storage_path == f"alice/{job.pk}/logs/1.log"
    stored = b"".join(store.stream(bucket="lora-models", path=log.storage_path)).decode()
    assert stored.splitlines() == lines


def test_a_running_jobs_log_is_not_archived(alice: User, scripted: ScriptedCluster) -> None:
    has_log(scripted, ["one"])
    reconcile.archive(at_cluster(alice).pk)
    assert JobLog.objects.get().storage_path == ""


def test_a_log_that_could_not_be_kept_is_due_again_but_not_at_every_tick(
    alice: User, scripted: ScriptedCluster, settings: Any, store: ObjectStore
) -> None:
    job = at_cluster(alice)
    has_log(scripted, ["one"])
    scripted.says("run-1", "failed")
    reconcile.poll([job.pk])
    settings.S3_SECRET_ACCESS_KEY = "wrong"
    reconcile.archive(job.pk)
    now = timezone.now()
    assert reconcile.select(now).archive == []
    assert reconcile.select(now + timedelta(minutes=3)).archive == [job.pk]


def test_the_sweep_finds_the_log_of_an_ended_job_that_nobody_pulled(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    has_log(scripted, ["one"])
    scripted.says("run-1", "failed")
    reconcile.poll([job.pk])
    assert reconcile.select(timezone.now() + timedelta(minutes=3)).archive == [job.pk]


def test_a_cluster_without_logs_leaves_nothing_to_sweep(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", "failed")
    reconcile.poll([job.pk])
    reconcile.archive(job.pk)
    assert reconcile.select(timezone.now() + timedelta(minutes=3)).archive == []


def test_the_nodes_log_comes_home(use_node: UseNode, queued: MakeJob, alice: User) -> None:
    use_node(level=2)
    job = work_until(queued(alice), "completed")
    reconcile.archive(job.pk)
    log = JobLog.objects.get()
    assert log.total_lines > 5
    assert log.storage_path
