"""A control plane in a world of its own: its rows, a cluster, a store, a clock, and workers that come and go."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import reconcile, services
from jobs.exceptions import JobConflict
from jobs.models import TrainingJob
from notifications import dispatch
from notifications.models import WebhookEndpoint
from tests import factories
from tests.promises.machines.cluster import FaultyCluster, Profile
from tests.promises.machines.faults import Answer
from tests.promises.machines.runs import Plan
from tests.promises.machines.wire import CarriedCluster, Store, answer_storage, etag
from tests.promises.machines.workers import Interrupt, Workers

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMMANDS = ("submit", "poll", "release", "collect")
DATASET = b'{"messages": []}\n'


class _Reports(logging.Handler):
    """What the product logs as an error of its own: a test that goes on would hide it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.exceptions: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.exceptions.append(record.exc_info[1])


@dataclass
class World:
    """One user who also has a webhook, her dataset, her jobs in the order of their making, and their cluster."""

    profile: Profile
    clock: time_machine.Traveller
    cluster: FaultyCluster = field(init=False)
    store: Store = field(default_factory=Store)
    workers: Workers = field(default_factory=Workers)
    jobs: list[TrainingJob] = field(default_factory=list)
    sweeps: bool = True
    reports: _Reports = field(default_factory=_Reports)

    def __post_init__(self) -> None:
        self.cluster = FaultyCluster(self.profile, timezone.now, self._attempt_of)
        self.alice = User.objects.create_user("alice")
        User.objects.create_user("operator", is_staff=True)
        hears_of = ["job_queued", "job_started", "job_completed", "job_failed", "job_cancelled"]
        WebhookEndpoint.objects.create(owner=self.alice, url="https://alice.example", event_types=hears_of)
        self.dataset = factories.dataset(self.alice, etag=f'"{etag(DATASET)}"', sha256="0" * 64)
        self.store.objects[f"/lora-datasets/{self.dataset.storage_path}"] = DATASET

    # -- What users do ---------------------------------------------------------------------------------------

    def create(self, plan: Plan, *, gpus: int = 2, max_cost: float | None = None) -> TrainingJob:
        job, _ = services.job_create(
            owner=self.alice,
            dataset_id=self.dataset.pk,
            preset_id="recommended",
            gpu_config={"type": "H100-80GB", "count": gpus},
            hyperparameters={},
            max_cost=max_cost,
        )
        return self._follow(job, plan)

    def cancel(self, job: TrainingJob, *, keep_adapter: bool = False) -> None:
        try:
            services.job_cancel(user=self.alice, job_id=job.pk, keep_adapter=keep_adapter)
        except JobConflict:
            job.refresh_from_db()
            assert job.is_terminal, "only an ended job refuses to be cancelled"

    def retry(self, job: TrainingJob, plan: Plan) -> None:
        try:
            again, is_new = services.job_retry(user=self.alice, job_id=job.pk, idempotency_key=f"again-{job.pk}")
        except JobConflict:
            job.refresh_from_db()
            assert not job.is_terminal, "an ended job can be retried"
            return
        if is_new:
            self._follow(again, plan)

    def settle_by_hand(self, job: TrainingJob) -> None:
        """Staff look at the cluster and tell the truth about an unconfirmed submission."""
        runs = self.cluster.runs_of(job.pk)
        known = {attempt.external_job_id for attempt in job.attempts.all()}
        found = [run for run in runs if run.external_id not in known]
        try:
            if found:
                external_id = found[0].external_id
                services.job_attach_external(staff=self.alice, job=job, external_job_id=external_id)
            else:
                services.job_declare_not_started(staff=self.alice, job=job)
        except JobConflict:
            return
        for submit in self.cluster.submits:
            if submit.job_id == str(job.pk):
                submit.is_open = False

    # -- What workers do -------------------------------------------------------------------------------------

    def work(self, command: str, job: TrainingJob, interrupt: Interrupt | None = None) -> None:
        """One delivery of a task to a worker."""
        before = len(self.cluster.submits)
        deaths = self.workers.deaths
        with self.workers.working(interrupt):
            getattr(reconcile, command)([job.pk] if command == "poll" else job.pk)
        if self.workers.deaths > deaths:
            for submit in self.cluster.submits[before:]:
                submit.is_open = True  # whatever it was told died with it

    def tick(self, interrupt: Interrupt | None = None, *, on: int = 0) -> None:
        """A cycle and all of its messages, the `on`-th of which is interrupted."""
        due = reconcile.select(timezone.now())
        place = {job.pk: number for number, job in enumerate(self.jobs)}
        deliveries = [
            (command, job_id)
            for command in COMMANDS
            for job_id in sorted(getattr(due, command), key=lambda job_id: place[job_id])
        ]
        for number, (command, job_id) in enumerate(deliveries):
            self.work(command, self.jobs[place[job_id]], interrupt if number == on else None)
        if self.sweeps:
            self.sweep(interrupt if len(deliveries) == on else None)

    def sweep(self, interrupt: Interrupt | None = None) -> None:
        with self.workers.working(interrupt):
            reconcile.sweep_orphans()

    def dispatch(self, interrupt: Interrupt | None = None) -> None:
        with self.workers.working(interrupt):
            dispatch.dispatch_pending()

    def wait(self, seconds: float) -> None:
        self.clock.shift(timedelta(seconds=seconds))

    # -- The end ---------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """All is well again, and time goes by, until nothing moves any more."""
        self.cluster.faults.clear()
        self.store.is_denied = False
        pause = 30.0
        for _ in range(100):
            self.tick()
            waiting = self._next_due()
            if waiting is None:
                break
            pause = min(pause * 1.6, 86_400.0)
            # A cancel is brought home at the workers' own pace; the rest may be looked at as seldom as you like.
            is_pressing = TrainingJob.objects.filter(status="cancelling").exists()
            self.wait(max((waiting - timezone.now()).total_seconds(), 1.0 if is_pressing else pause))
        for days in (1, 1):
            self.wait(days * 86_400)
            self.tick()
            self.dispatch()

    def _next_due(self) -> datetime | None:
        moments = []
        for job in TrainingJob.objects.exclude(status__in=["completed", "failed", "cancelled"]):
            due = job.next_attempt_at if job.status == "queued" else job.next_poll_at
            moments.append(max(due, job.lease_expires_at or due))
        return min(moments, default=None)

    # -- In between ------------------------------------------------------------------------------------------

    def _follow(self, job: TrainingJob, plan: Plan) -> TrainingJob:
        self.jobs.append(job)
        self.cluster.plans[str(job.pk)] = plan
        return job

    def _attempt_of(self, job_id: str) -> int:
        return TrainingJob.objects.values_list("attempt", flat=True).get(pk=job_id)

    def carry(self, method: str, target: str, headers: Any, order: Any) -> Answer:
        def answer() -> Answer:
            answered = self.cluster.call(method, target, headers, order)
            if answered.seconds:
                self.wait(answered.seconds)
            return answered

        return self.workers.call(answer)


@contextmanager
def world(profile: Profile, *, sweeps: bool = True) -> Iterator[World]:
    """A fresh world, at START. What the product logs as its own fault fails the block."""
    with time_machine.travel(START, tick=False) as clock:
        made = World(profile, clock, sweeps=sweeps)
        CarriedCluster.carrier = staticmethod(made.carry)
        answer_storage(made.store.answer)
        logger = logging.getLogger("jobs")
        logger.addHandler(made.reports)
        logging.disable(logging.WARNING)  # thousands of lines
        try:
            yield made
        finally:
            logging.disable(logging.NOTSET)
            logger.removeHandler(made.reports)
