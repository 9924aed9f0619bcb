"""The GPU cluster API over HTTP, level 1 and level 2, as a `Cluster`.

driver -> polling -> transport -> deadline   what goes over the wire, and for how long
faults                                       a refusal -> ClusterError
progress, answers -> envelope, reading       JSON -> dataclasses
orders                                       dataclasses -> JSON
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import requests

from jobs.clusters.base import (
    ArtifactListing,
    Capabilities,
    ClusterError,
    Known,
    LogPage,
    Polled,
    PollRequest,
    SavedCheckpoint,
    Status,
    Submission,
)
from jobs.clusters.http import answers, orders, progress
from jobs.clusters.http.answer import Answer
from jobs.clusters.http.faults import checked, understood
from jobs.clusters.http.polling import Poll
from jobs.clusters.http.transport import Transport

GRACE_S = 30
POLL_S = 20.0
MOST_PAGES = 1000

_NO_CAPABILITIES = {404, 405, 501}


class HttpCluster:
    """The cluster at `url` that knows us by `key`. `poll_s`: how long one poll may go on beginning calls."""

    def __init__(self, *, url: str, key: str, session: requests.Session, poll_s: float = POLL_S) -> None:
        self._transport = Transport(url, key, session)
        self._poll_s = poll_s

    def capabilities(self) -> Capabilities:
        answer = self._transport.call("GET", "training/capabilities")
        if answer.status in _NO_CAPABILITIES:
            return answers.LEVEL_1
        return understood(checked(answer), answers.capabilities)

    def submit(self, submission: Submission, *, capabilities: Capabilities) -> str:
        answer = self._transport.call(
            "POST",
            "training/submit",
            json=orders.body(submission, capabilities),
            headers=orders.headers(submission, capabilities),
            secrets=(submission.callback_token or "",),
        )
        checked(answer, submitting=True)
        return understood(answer, answers.submitted)

    def poll(
        self, requests: Sequence[PollRequest], *, capabilities: Capabilities
    ) -> Mapping[str, Polled | ClusterError]:
        return Poll(self._transport, capabilities, self._poll_s).run(requests)

    def cancel(
        self, external_job_id: str, *, reason: str, keep_adapter: bool, capabilities: Capabilities
    ) -> Status | None:
        wish = {"reason": reason, "keep_adapter": keep_adapter, "grace_s": GRACE_S}
        answer = self._transport.call(
            "POST", _path("cancel", external_job_id), json=wish if capabilities.has("async_cancel") else None
        )
        checked(answer, about_a_job=True)
        return _state_told(answer, external_job_id)

    def find(self, job_id: str) -> Sequence[Known]:
        # A cluster that overlooks the filter lists strangers' jobs too.
        return [known for known in self._listed({"job_id": job_id}) if known.job_id == job_id]

    def active(self) -> Iterator[Known]:
        return self._listed({"state": "active"})

    def logs(self, external_job_id: str, *, after: int) -> LogPage:
        answer = self._transport.call("GET", _path("logs", external_job_id), params={"after": after})
        return understood(checked(answer, about_a_job=True), lambda said: answers.log_page(said, after))

    def artifacts(self, external_job_id: str) -> ArtifactListing:
        answer = self._transport.call("GET", _path("artifacts", external_job_id))
        return understood(checked(answer, about_a_job=True), answers.artifacts)

    def checkpoints(self, external_job_id: str) -> Sequence[SavedCheckpoint]:
        answer = self._transport.call("GET", _path("checkpoints", external_job_id))
        return understood(checked(answer, about_a_job=True), answers.checkpoints)

    def download(self, url: str) -> Iterator[bytes]:
        return self._transport.stream(url)

    def _listed(self, wanted: Mapping[str, str]) -> Iterator[Known]:
        after: str | None = None
        for _ in range(MOST_PAGES):
            params = dict(wanted) if after is None else {**wanted, "after": after}
            answer = checked(self._transport.call("GET", "training/jobs", params=params))
            jobs, following = understood(answer, answers.known_jobs)
            yield from jobs
            if following is None or following == after:
                return
            after = following


def _path(what: str, external_job_id: str) -> str:
    return f"training/{what}/{quote(external_job_id, safe='')}"


def _state_told(answer: Answer, external_job_id: str) -> Status | None:
    """The state in the answer to a cancel; a bare "ok", or nothing at all, is none."""
    try:
        said = answer.json()
        return progress.status(said, external_job_id) if progress.names_a_state(said) else None
    except ValueError:
        return None
