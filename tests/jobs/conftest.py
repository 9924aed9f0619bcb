"""A control plane with its cluster: real node, real storage, real rows. Workers are the calls the tests make.

use_node    a real GPU node, for the way as a whole and for what a submit really starts
scripted    a cluster that says what the test tells it, for single answers
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db.models import DateTimeField
from django.utils import timezone

from datasets.storage.base import ObjectStore
from jobs import reconcile, services
from jobs.models import TrainingJob
from jobs.states import Status
from lora_pipeline.devstack import node, ports, programs
from tests import factories
from tests.datasets.conftest import MakeDataset, imported, put_object, store, validated
from tests.jobs.nodes import INTERRUPTED, InterruptedCluster, Node
from tests.jobs.scripted import KEY, ScriptedCluster

__all__ = ["imported", "put_object", "store", "validated"]

MakeJob = Callable[..., TrainingJob]
UseNode = Callable[..., Node]
Meanwhile = Callable[[Callable[[], object]], None]
# What a hanging run does: it trains for ever, until it is told to stop.
HANGS_AT_STEP = 5
TRAINS_FOR_EVER = {"outcome": {"kind": "hang", "at_step": HANGS_AT_STEP}}


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Node]]:
    """`nodes(level)` is a fast node of that level, one for the session."""
    with ExitStack() as started:

        @cache
        def start(level: int) -> Node:
            port, folder, key = ports.free(), tmp_path_factory.mktemp(f"node-{level}"), secrets.token_hex(16)
            program = node.program(
                port=port, folder=folder, api_key=key, gpus=("H100-80GB:64",), level=level, speed=3000, faults=True
            )
            started.enter_context(programs.running(program, folder / "log"))
            return Node(node.url(port), key)

        yield start


@pytest.fixture
def use_node(settings: Any, nodes: Callable[[int], Node]) -> Iterator[UseNode]:
    """`use_node(level=1)` makes a node, free of faults, the cluster of the control plane."""
    used: list[Node] = []

    def use(level: int = 2, driver: str = "http") -> Node:
        used.append(nodes(level))
        settings.GPU_CLUSTERS = {"default": {"DRIVER": driver, "URL": used[0].url, "KEY": used[0].api_key}}
        settings.PUBLIC_BASE_URL = None
        return used[0]

    yield use
    for each in used:
        each.lift_faults()


@pytest.fixture
def scripted(settings: Any) -> Iterator[ScriptedCluster]:
    """The cluster of the control plane is one that says what it is told to say; at level 1 at first."""
    cluster = ScriptedCluster()
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": cluster.url, "KEY": KEY}}
    settings.PUBLIC_BASE_URL = None
    yield cluster
    cluster.wire.close()


@pytest.fixture
def meanwhile(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """`meanwhile(command)` lets something happen while a submit's answer is on its way; after use_node or scripted."""

    def let_happen(command: Callable[[], object]) -> None:
        settings.GPU_CLUSTERS = {"default": {**settings.GPU_CLUSTERS["default"], "DRIVER": INTERRUPTED}}
        monkeypatch.setattr(InterruptedCluster, "meanwhile", staticmethod(command), raising=False)

    return let_happen


@pytest.fixture
def queued(validated: MakeDataset) -> MakeJob:
    """`queued(alice)` is a job of alice's, freshly created, that nobody has submitted yet."""

    def make(owner: User, **changes: Any) -> TrainingJob:
        asked: dict[str, Any] = {
            "preset_id": "recommended",
            "gpu_config": {"type": "H100-80GB", "count": 2},
            "hyperparameters": {},
            **changes,
        }
        if "dataset_id" not in asked:
            asked["dataset_id"] = validated(owner).pk
        job, _ = services.job_create(owner=owner, **asked)
        return job

    return make


def at_cluster(owner: User, external_id: str = "run-1", status: Status = Status.RUNNING, **changes: Any) -> TrainingJob:
    """A job that the cluster took under this id; in the rows only, nothing was sent."""
    now = timezone.now()
    fresh = {"progress": 0.0, "current_cost": 0, "current_metrics": {}, "queued_at": now, "next_poll_at": now}
    job = factories.job(owner, status, external_job_id=external_id, **{**fresh, **changes})
    attempt = {"external_job_id": external_id, "sent_at": now, "submitted_at": now, "last_seen_at": now}
    if status is Status.RUNNING:
        attempt["first_seen_running_at"] = now
    job.attempts.update(**attempt)
    return job


def polled(job: TrainingJob) -> TrainingJob:
    """The job after one poll."""
    reconcile.poll([job.pk])
    job.refresh_from_db()
    return job


def due_now(job: TrainingJob) -> None:
    """Make a job due, as time would."""
    TrainingJob.objects.filter(pk=job.pk).update(next_poll_at=timezone.now(), next_attempt_at=timezone.now())


def due_and(job: TrainingJob, command: Callable[[Any], None]) -> TrainingJob:
    """The job after `command`, such as reconcile.submit, when it was due."""
    due_now(job)
    command(job.pk)
    job.refresh_from_db()
    return job


def submitted(job: TrainingJob) -> TrainingJob:
    """The job after one try to submit it."""
    return due_and(job, reconcile.submit)


def let_pass(job: TrainingJob, **time_passed: float) -> None:
    """Age what the rows remember of a job, as if so much time had gone by: `let_pass(job, minutes=16)`."""
    past = timedelta(**time_passed)
    for row in (TrainingJob.objects.get(pk=job.pk), *job.attempts.all()):
        moments = [field.name for field in row._meta.fields if isinstance(field, DateTimeField)]
        for name in moments:
            if (moment := getattr(row, name)) is not None:
                setattr(row, name, moment - past)
        row.save(update_fields=moments)


def work_until(job: TrainingJob, *statuses: str, step: int = 0, seconds: float = 90) -> TrainingJob:
    """Do what workers do with a job, over and over, until it is in one of `statuses` and no earlier than at `step`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.status in statuses and job.current_step >= step:
            return job
        due_now(job)
        reconcile.submit(job.pk)
        reconcile.poll([job.pk])
        reconcile.release(job.pk)
        reconcile.collect(job.pk)
    where = f"{job.status} at step {job.current_step} ({job.current_stage})"
    raise AssertionError(f"still {where}: {job.waiting_for} {job.error_message}")


FAR = timedelta(days=3650)


class World:
    """Alice, a cluster that says what it is told, and a clock that stands still until it is moved."""

    def __init__(self, alice: User, scripted: ScriptedCluster, queued: MakeJob, clock: time_machine.Traveller) -> None:
        self.alice, self.cluster, self.queued, self.clock = alice, scripted, queued, clock

    def ticks(self, *, minutes: float, every_s: float = 30) -> None:
        """What Beat and the workers do in so long a time."""
        for _ in range(int(minutes * 60 / every_s)):
            tick()
            self.clock.shift(every_s)

    def job(self, external_id: str = "run-1", status: Status = Status.RUNNING, **changes: Any) -> TrainingJob:
        return at_cluster(self.alice, external_id, status, **changes)


def tick() -> None:
    due = reconcile.select(timezone.now())
    for job_id in due.submit:
        reconcile.submit(job_id)
    reconcile.poll(due.poll)
    for job_id in due.release:
        reconcile.release(job_id)
    for job_id in due.collect:
        reconcile.collect(job_id)


def changed(job: TrainingJob, **values: Any) -> TrainingJob:
    """The row as no step of ours leaves it."""
    TrainingJob.objects.filter(pk=job.pk).update(**values)
    job.refresh_from_db()
    return job


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def world(
    alice: User, scripted: ScriptedCluster, queued: MakeJob, store: ObjectStore, clock: time_machine.Traveller
) -> World:
    return World(alice, scripted, queued, clock)
