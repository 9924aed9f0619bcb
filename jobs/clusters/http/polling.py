"""One poll of many jobs, in as few calls as the cluster allows.

    batch_status     one call for all, then pages of points for those that have more
    metrics_cursor   per job its status, then pages of points
    neither          per job its status, whose metrics are the point

One job's fault is that job's result. No call is begun once the time for the poll is used up; what was not
asked by then is `NotSent` and due again.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any
from urllib.parse import quote

from jobs.clusters.base import (
    Capabilities,
    ClusterError,
    Denied,
    NoSuchJob,
    NoSuchRoute,
    NotSent,
    Point,
    Polled,
    PollRequest,
    Unanswered,
    Unknown,
    Unreachable,
)
from jobs.clusters.http import envelope, progress
from jobs.clusters.http.faults import checked, understood
from jobs.clusters.http.transport import TOO_LARGE, Transport

Results = dict[str, Polled | ClusterError]

MOST_JOBS = 200
PAGE = 1000
MOST_PAGES = 20
AT_ONCE = 8
BARE_404 = "http_404"  # what a server answers to an address that it does not have, without a word about jobs

# Faults of the cluster rather than of one job.
_FOR_ALL = {Denied, NotSent, Unreachable, Unknown, Unanswered, NoSuchRoute}


class Poll:
    """One poll with `budget_s` seconds to begin its calls in."""

    def __init__(self, transport: Transport, capabilities: Capabilities, budget_s: float) -> None:
        self._transport = transport
        self._can = capabilities
        self._ends_at = monotonic() + budget_s

    def run(self, requests: Sequence[PollRequest]) -> Mapping[str, Polled | ClusterError]:
        """Each job's result. Raises what kept all of them from being asked: Denied, NotSent or Unknown."""
        if not requests:
            return {}
        results = self._batch(requests) if self._can.has("batch_status") else self._each(requests)
        faults = [result for result in results.values() if type(result) in _FOR_ALL]
        if len(faults) == len(results) and isinstance(faults[0], ClusterError):
            raise faults[0]
        return results

    # -- Job by job ------------------------------------------------------------------------------------------

    def _each(self, requests: Sequence[PollRequest]) -> Results:
        if len(requests) == 1:
            return {requests[0].external_job_id: self._one(requests[0])}
        with ThreadPoolExecutor(min(AT_ONCE, len(requests)), thread_name_prefix="poll") as pool:
            return dict(zip((r.external_job_id for r in requests), pool.map(self._one, requests), strict=True))

    def _one(self, request: PollRequest) -> Polled | ClusterError:
        name = request.external_job_id
        try:
            self._spend()
            answer = checked(self._transport.call("GET", f"training/status/{quote(name, safe='')}"), about_a_job=True)
            status = understood(answer, lambda said: progress.status(said, name))
        except ClusterError as fault:
            return fault
        if not self._can.has("metrics_cursor"):
            return progress.polled_from_status(status, request.after)
        return self._complete(Polled(status, next=request.after, has_more=True), request.after)

    # -- All in one call -------------------------------------------------------------------------------------

    def _batch(self, requests: Sequence[PollRequest]) -> Results:
        asked = {"jobs": [{"id": request.external_job_id, "after": request.after} for request in requests]}
        try:
            self._spend()
            answer = checked(self._transport.call("POST", "training/status", json=asked))
            page, entries = understood(answer, lambda said: envelope.listed(said, "jobs"))
        except ClusterError as fault:
            if fault.code != TOO_LARGE:
                raise
            return self._halves(requests)
        results: Results = {}
        told = {_name(entry): entry for entry in entries}
        gone = page.get("missing")
        missing = set(map(str, gone)) if isinstance(gone, list) else set()
        for request in requests:
            name = request.external_job_id
            if name in told:
                results[name] = self._complete(_polled(told[name], request), request.after)
            elif name in missing:
                results[name] = NoSuchJob("The cluster does not know this job.", code="missing")
            else:
                results[name] = Unknown("The cluster left this job out of its answer.", code="left_out")
        return results

    def _halves(self, requests: Sequence[PollRequest]) -> Results:
        """After a long silence so many points wait that no answer holds them all: ask for fewer jobs at once."""
        if len(requests) == 1:
            return self._each(requests)
        middle = len(requests) // 2
        return self._batch(requests[:middle]) | self._batch(requests[middle:])

    # -- Points ----------------------------------------------------------------------------------------------

    def _complete(self, polled: Polled, after: int) -> Polled | ClusterError:
        """Fetch the pages that are left. A fault on the way costs nothing: the cursor says how far we came. But a
        cluster that knows the job and not where its points are can do less than it said.

        A batch whose answer was full may have no point at all of a job that has more.
        """
        if not self._can.has("metrics_cursor"):
            return replace(polled, has_more=polled.has_more and polled.next > after)
        points: list[Point] = list(polled.points)
        following, more = polled.next, polled.has_more
        for _ in range(MOST_PAGES):
            if not more:
                break
            try:
                self._spend()
                page, following, more = self._page(polled.status.external_job_id, following)
            except NoSuchJob as fault:
                if fault.code == BARE_404:
                    return NoSuchRoute("The cluster no longer tells the points of a run.", code=fault.code)
                break
            except ClusterError:
                break
            points += page
        return replace(polled, points=points, next=following, has_more=more)

    def _page(self, external_job_id: str, after: int) -> tuple[list[Point], int, bool]:
        path = f"training/metrics/{quote(external_job_id, safe='')}"
        answer = checked(self._transport.call("GET", path, params={"after": after, "limit": PAGE}), about_a_job=True)
        page, entries = understood(answer, lambda said: envelope.listed(said, "points"))
        return progress.points(entries), *progress.cursor(page, entries, after)

    def _spend(self) -> None:
        if monotonic() > self._ends_at:
            raise NotSent("The cluster is too slow: this job's turn comes again.", code="no_time")


def _name(entry: Any) -> str:
    said = envelope.merged(entry) if isinstance(entry, dict) else {}
    return str(said.get("external_job_id", said.get("id", "")))


def _polled(entry: Any, request: PollRequest) -> Polled:
    said = envelope.merged(entry)
    entries = said["points"] if isinstance(said.get("points"), list) else []
    following, _ = progress.cursor(said, entries, request.after)
    has_more = said.get("has_more") is True
    return Polled(progress.status(entry, request.external_job_id), progress.points(entries), following, has_more)
