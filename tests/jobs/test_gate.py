"""What is known of a cluster before anybody submits to it."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from jobs import reconcile, selectors, tasks
from jobs.models import Cluster
from lora_pipeline.devstack import ports
from tests.contracts.wire import reply
from tests.jobs.conftest import MakeJob, at_cluster, due_and, polled, submitted
from tests.jobs.scripted import ScriptedCluster
from tests.servers import GpuNode

pytestmark = pytest.mark.django_db


def test_the_gpus_of_a_cluster_are_on_offer_before_the_first_job(use_node: Callable[..., GpuNode]) -> None:
    use_node(level=2)
    tasks.refresh_clusters()
    assert (Cluster.objects.get().level, Cluster.objects.get().simulated) == (2, True)
    assert {gpu.type for gpu in selectors.gpu_types()} == {gpu["type"] for gpu in Cluster.objects.get().gpu_types}


def test_a_cluster_that_does_not_answer_is_no_error(settings: Any) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": f"http://127.0.0.1:{ports.free()}", "KEY": "key"}}
    tasks.refresh_clusters()
    assert Cluster.objects.get().last_error


def test_beat_looks_at_clusters() -> None:
    assert PeriodicTask.objects.filter(task=tasks.refresh_clusters.name, enabled=True).exists()


def test_what_a_cluster_can_do_is_asked_once_in_five_minutes(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    scripted.features = ["heartbeat"]
    scripted.says("run-1")
    job = polled(at_cluster(alice))
    for asked in (1, 1, 2, 2):
        assert len(scripted.asked("/training/capabilities")) == asked
        clock.shift(151)
        due_and(job, lambda pk: reconcile.poll([pk]))


def test_a_cluster_at_another_address_is_another_cluster(
    alice: User, queued: MakeJob, scripted: ScriptedCluster
) -> None:
    Cluster.objects.create(
        name="default",
        level=2,
        features=["idempotent_submit"],
        address="https://old.example",
        checked_at=timezone.now(),
    )
    scripted.takes_and_hangs_up()
    job = submitted(submitted(queued(alice)))
    assert (Cluster.objects.get().level, job.current_stage) == (1, "submission_unconfirmed")
    assert len(scripted.submits()) == 1, "a cluster of level 1 would start it twice"


def test_at_another_address_it_is_asked_anew_what_it_can_do(alice: User, scripted: ScriptedCluster) -> None:
    Cluster.objects.create(
        name="default", level=2, features=["logs_cursor"], address="https://old.example", checked_at=timezone.now()
    )
    scripted.says("run-1", progress=30.0)
    assert polled(at_cluster(alice)).progress == 30.0
    row = Cluster.objects.get()
    assert (row.level, row.features, row.address) == (1, [], scripted.url)


def test_jobs_are_followed_by_what_was_known_while_a_cluster_cannot_say_what_it_can_do(
    alice: User, scripted: ScriptedCluster, clock: time_machine.Traveller
) -> None:
    scripted.says("run-1")
    job = polled(at_cluster(alice))
    clock.shift(301)
    scripted.scripts["/training/capabilities"] = reply(500)
    scripted.says("run-1", progress=30.0)
    assert due_and(job, lambda pk: reconcile.poll([pk])).progress == 30.0


def test_a_cluster_of_which_nothing_is_known_is_asked_nothing_else(alice: User, scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/capabilities"] = reply(500)
    scripted.says("run-1", progress=30.0)
    assert "Waiting for the GPU cluster" in polled(at_cluster(alice)).waiting_for
    assert scripted.asked("/training/status") == []
