"""Real GPU nodes that live as long as the test session, with the door through which faults come in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import requests

from jobs.clusters.base import Capabilities, Submission
from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from jobs.models import TrainingJob

PATIENCE_S = 60.0


class ImpatientCluster(HttpCluster):
    """The HTTP driver with deadlines of a fraction of a second: no test waits for what never comes."""

    def __init__(self, *, url: str, key: str, session: requests.Session) -> None:
        super().__init__(url=url, key=key, session=open_session(connect_s=1, call_s=0.8))


class BrokenCluster(HttpCluster):
    """A driver with a mistake in it."""

    def poll(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ZeroDivisionError


class InterruptedCluster(HttpCluster):
    """The HTTP driver, with something that happens while a submit's answer is on its way."""

    meanwhile: ClassVar[Callable[[], object]]

    def submit(self, submission: Submission, *, capabilities: Capabilities) -> str:
        try:
            return super().submit(submission, capabilities=capabilities)
        finally:
            type(self).meanwhile()


BROKEN = "tests.jobs.nodes.BrokenCluster"
IMPATIENT = "tests.jobs.nodes.ImpatientCluster"
INTERRUPTED = "tests.jobs.nodes.InterruptedCluster"


@dataclass(frozen=True)
class Node:
    """A running GPU node."""

    url: str
    api_key: str

    def fault(
        self, route: str, effect: Mapping[str, Any], *, job: TrainingJob | None = None, times: int | None = None
    ) -> None:
        """From now on the calls of this route go wrong in this way (gpu_node/README.md lists the effects)."""
        rule = {"route": route, "effect": effect, "job_id": str(job.pk) if job else None, "times": times}
        self._door("POST", "/faults", json=rule)

    def lift_faults(self) -> None:
        """All is well again."""
        self._door("DELETE", "/faults")

    def paid(self, job: TrainingJob) -> list[str]:
        """The external ids of the runs that were started, and are paid, for this job."""
        return [entry["external_job_id"] for entry in self._journal("paid") if entry["job_id"] == str(job.pk)]

    def keys(self, job: TrainingJob) -> list[str | None]:
        """The idempotency keys of all submits for this job that arrived, taken or not."""
        return [entry["key"] for entry in self._journal("submits") if entry["job_id"] == str(job.pk)]

    def cancels(self, job: TrainingJob) -> int:
        """How many cancels arrived for this job."""
        return sum(entry["external_job_id"] == job.external_job_id for entry in self._journal("cancels"))

    def status(self, job: TrainingJob) -> dict[str, Any]:
        """What the node itself says of the job."""
        answer: dict[str, Any] = self._door("GET", f"/training/status/{job.external_job_id}")
        return answer

    def points(self, job: TrainingJob) -> list[tuple[int, int]]:
        """(restart, step) of the points that the node has of the job, each once and in order; level 2."""
        page = self._door("GET", f"/training/metrics/{job.external_job_id}?after=0&limit=1000")
        return sorted({(point["restart"], point["step"]) for point in page["points"]})

    def artifacts(self, job: TrainingJob) -> list[dict[str, Any]]:
        """The files that the node lists of the job."""
        listed: list[dict[str, Any]] = self._door("GET", f"/training/artifacts/{job.external_job_id}")["files"]
        return listed

    def _journal(self, part: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._door("GET", "/faults/journal")[part]
        return listed

    def _door(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        answer = requests.request(method, self.url + path, headers=headers, timeout=PATIENCE_S, **kwargs)
        answer.raise_for_status()
        return answer.json()
