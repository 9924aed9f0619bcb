"""A real cluster under test: the driver, what it may order there, and the door through which faults come in."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import requests

from jobs.clusters.base import Capabilities, Cluster, DatasetRef, Polled, PollRequest, Status, Submission
from tests.contracts.orders import order

DATASET = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}\n' * 40
ENDED = {"completed", "failed", "cancelled"}
PATIENCE_S = 60


@dataclass(frozen=True)
class ClusterUnderTest:
    """`impatient` is the same cluster with deadlines of a fraction of a second."""

    cluster: Cluster
    impatient: Cluster
    stranger: Cluster
    capabilities: Capabilities
    dataset_url: str
    url: str
    key: str

    @property
    def level(self) -> int:
        return self.capabilities.level

    def when(self, effect: dict[str, Any]) -> Cluster:
        """The one to call while this effect lasts: no test waits for what never comes."""
        return self.impatient if {"hang_s", "drip"} & effect.keys() else self.cluster

    def order(self, **changes: Any) -> Submission:
        """A job on a data set that the cluster can fetch."""
        dataset = DatasetRef(
            url=self.dataset_url,
            sha256=hashlib.sha256(DATASET).hexdigest(),
            bytes=len(DATASET),
            url_expires_at=order().dataset.url_expires_at,
        )
        return order(**{"dataset": dataset} | changes)

    def submit(self, submission: Submission | None = None) -> str:
        return self.cluster.submit(submission or self.order(), capabilities=self.capabilities)

    def submit_stuck(self) -> str:
        """A job that trains until it is cancelled."""
        submission = self.order()
        self.fault("job", {"outcome": {"kind": "hang", "at_step": 5}}, job_id=submission.job_id)
        external_id = self.submit(submission)
        self.until(external_id, lambda polled: (polled.status.current_step or 0) >= 4)
        return external_id

    def poll(self, external_job_id: str, after: int = 0) -> Polled:
        polled = self.poll_all(external_job_id, after=after)[external_job_id]
        assert isinstance(polled, Polled), polled
        return polled

    def poll_all(self, *external_job_ids: str, after: int = 0) -> Any:
        requested = [PollRequest(each, after) for each in external_job_ids]
        return self.cluster.poll(requested, capabilities=self.capabilities)

    def until(self, external_job_id: str, is_so: Callable[[Polled], bool]) -> Polled:
        """The first poll of which it is so."""
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            if is_so(polled := self.poll(external_job_id)):
                return polled
        raise AssertionError(f"still {polled.status}")

    def ended(self, external_job_id: str) -> Status:
        """The job's status once it has ended."""
        return self.until(external_job_id, lambda polled: polled.status.state in ENDED).status

    # -- The fault door ----------------------------------------------------------------------------------

    def fault(self, route: str, effect: dict[str, Any], *, job_id: str | None = None, times: int | None = None) -> None:
        """From now on the calls of this route go wrong in this way (gpu_node/README.md lists the effects)."""
        rule = {"route": route, "effect": effect, "job_id": job_id, "times": times}
        self._door("POST", "/faults", json=rule)

    def lift_faults(self) -> None:
        self._door("DELETE", "/faults")

    def paid(self, job_id: str) -> list[str]:
        """The external ids of the jobs that were started for this job_id."""
        journal = self._door("GET", "/faults/journal")
        return [job["external_job_id"] for job in journal["paid"] if job["job_id"] == job_id]

    def _door(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, self.url + path, headers=headers, timeout=PATIENCE_S, **kwargs)
        answer.raise_for_status()
        return answer.json()
