"""Where the proofs take place: a control plane with real rows and storage, and a real node of one level."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs import reconcile, services
from jobs.models import MetricsPoint, TrainingJob
from jobs.reconcile import gate
from tests.jobs.conftest import HANGS_AT_STEP, TRAINS_FOR_EVER, MakeJob, Meanwhile, due_and, work_until
from tests.jobs.nodes import IMPATIENT, Node

Effect = Mapping[str, Any]


@dataclass(frozen=True)
class Ground:
    """`alice` owns the jobs, and looks at them through `api`."""

    level: int
    node: Node
    alice: User
    api: APIClient
    queued: MakeJob
    meanwhile: Meanwhile
    settings: Any

    @property
    def reports(self) -> str:
        """The fault door's route of what a cluster reports about jobs."""
        return "status" if self.level == 1 else "batch"

    @contextmanager
    def trouble(self, effect: Effect) -> Iterator[None]:
        """For the time of a block, in which all calls meet it: where an answer would never come, they give up after a
        fraction of a second. Calls that are to be answered have the time that a busy machine needs."""
        clusters = self.settings.GPU_CLUSTERS
        if {"hang_s", "drip"} & effect.keys():
            gate.enter("default")  # what it can do is known: that is not asked for
            self.settings.GPU_CLUSTERS = {**clusters, "default": {**clusters["default"], "DRIVER": IMPATIENT}}
        yield
        self.settings.GPU_CLUSTERS = clusters

    def job(self, **asked: Any) -> TrainingJob:
        """A queued job."""
        return self.queued(self.alice, **asked)

    def training(self, **asked: Any) -> TrainingJob:
        """A job that trains at the node until it is told to stop, but gets no further than it is."""
        job = self.job(**asked)
        self.node.fault("job", TRAINS_FOR_EVER, job=job)
        return work_until(job, "running", step=HANGS_AT_STEP)

    def cancelled(self, job: TrainingJob, **asked: Any) -> TrainingJob:
        """The job after its owner's cancel."""
        return services.job_cancel(user=self.alice, job_id=job.pk, **asked)

    def lies(self, effect: Effect, job: TrainingJob, times: int | None = None) -> None:
        """From now on the node says this of the job."""
        self.node.fault(self.reports, effect, job=job, times=times)

    def polled(self, job: TrainingJob) -> TrainingJob:
        """The job after a poll that was due."""
        return due_and(job, lambda pk: reconcile.poll([pk]))

    def released(self, job: TrainingJob) -> TrainingJob:
        """The job after a try, which was due, to stop it."""
        return due_and(job, reconcile.release)

    def shown(self, job: TrainingJob) -> Any:
        """The job as the API shows it to its owner."""
        return self._answer(f"/api/jobs/{job.pk}")["job"]

    def curve(self, job: TrainingJob) -> list[Any]:
        """The job's points as the API gives them."""
        points: list[Any] = self._answer(f"/api/jobs/{job.pk}/metrics")["metrics"]
        return points

    def _answer(self, address: str) -> Any:
        """JSON in the strictest sense."""
        answer = self.api.get(address)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content, parse_constant=_refuse)["data"]


def stored(job: TrainingJob) -> list[tuple[int, int]]:
    """(restart, step) of the job's points, in order."""
    points = MetricsPoint.objects.filter(job=job).order_by("restart", "step")
    return list(points.values_list("restart", "step"))


def until(is_so: Callable[[], bool], act: Callable[[], object], *, times: int) -> None:
    """Act until it is so, which has to be after `times` times at the latest."""
    for _ in range(times):
        act()
        if is_so():
            return
    raise AssertionError("It never came to be so.")


def _refuse(literal: str) -> NoReturn:
    raise AssertionError(f"{literal} is no JSON")
