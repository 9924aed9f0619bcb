"""Polling: ask a cluster about many jobs at once, take over each job's answer by itself."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from jobs import lifecycle
from jobs.clusters.base import ClusterError, NoSuchJob, NoSuchRoute, Polled, PollRequest
from jobs.lifecycle import Lease
from jobs.models import JobAttempt, TrainingJob
from jobs.reasons import ErrorCode
from jobs.reconcile import apply, billing, finish, gate, mending, steady
from jobs.reconcile.backoff import LONGEST_SECONDS, LONGEST_SECONDS_OF_A_CANCEL, is_due, retry_at
from jobs.states import Status

logger = logging.getLogger(__name__)

POLLED = frozenset({Status.INITIALIZING, Status.RUNNING})
# A cluster that says "unknown job" is believed after several answers over some minutes.
LOST_AFTER_MISSES = 3
LOST_AFTER = timedelta(minutes=3)
# A job with more pages of new points than this goes on with its next poll.
MAX_PAGES = 20
UNEXPECTED = "Something unexpected went wrong here while asking the GPU cluster; the operator's log says what it was."


def poll(job_ids: Iterable[uuid.UUID | str]) -> None:
    """Bring active jobs up to date. Jobs that are leased, ended, cancelling or in finalization are left alone."""
    # Read before the attempt to claim: a claim writes, and a hint about a job that is being cancelled is none for us.
    active = TrainingJob.objects.filter(pk__in=list(job_ids), status__in=POLLED, cluster_result="")
    clusters = dict(active.values_list("pk", "cluster"))
    leases = lifecycle.claim(clusters, statuses=POLLED, now=timezone.now())
    held = set(leases)
    try:
        by_cluster: dict[str, list[Lease]] = defaultdict(list)
        for lease in leases:
            by_cluster[clusters[lease.job_id]].append(lease)
        for name, group in by_cluster.items():
            try:
                held -= follow(gate.enter(name), group, is_last=True)
            except gate.GateClosed as closed:
                for lease in group:
                    _unanswered(lease, closed.reason, told_s=closed.wait_s)
            except Exception:
                logger.exception("The GPU cluster %s could not be asked about its jobs", name)
                for lease in group:
                    _unanswered(lease, UNEXPECTED)
    finally:
        lifecycle.release(held)


def follow(door: gate.Gate, leases: Iterable[Lease], *, is_last: bool = False) -> set[Lease]:
    """Ask one cluster about leased jobs, page by page, and take over what it says of each.

    Where that `is_last` thing to be done with them, leases are given back with what is stored; those are returned.
    """
    given_back: set[Lease] = set()
    by_id = {lease.job_id: lease for lease in leases}
    attempts = JobAttempt.objects.filter(job__in=by_id, number=F("job__attempt")).exclude(external_job_id="")
    rows = attempts.order_by().values_list("job_id", "external_job_id", "metrics_cursor")
    pending = {external_id: (by_id[job_id], cursor) for job_id, external_id, cursor in rows}
    for lease in set(by_id.values()) - {lease for lease, _ in pending.values()}:
        _look_for(door, lease)
    for _ in range(MAX_PAGES):
        if not pending:
            break
        alone = str(next(iter(pending.values()))[0].job_id) if len(pending) == 1 else ""
        requests = [PollRequest(external_id, after) for external_id, (_, after) in pending.items()]
        answers = _ask(door, requests, about=alone)
        more = {}
        together = {lease: answers.get(external_id) for external_id, (lease, _) in pending.items()}
        taken = steady.take(door, together, is_last=is_last) if len(pending) > 1 else {}
        for external_id, (lease, after) in pending.items():
            answer = answers.get(external_id, NoSuchJob("The cluster does not know this job."))
            is_back = taken[lease] if lease in taken else _take(door, lease, external_id, answer, is_last=is_last)
            if is_back:
                given_back.add(lease)
            if isinstance(answer, Polled) and answer.has_more and answer.points and answer.next > after:
                more[external_id] = (lease, answer.next)
        pending = more
    return given_back


def _ask(door: gate.Gate, requests: list[PollRequest], *, about: str) -> dict[str, Polled | ClusterError]:
    try:
        answers = dict(door.cluster.poll(requests, capabilities=door.capabilities))
    except ClusterError as error:
        gate.note_failure(door.name, error, about=about)
        return {request.external_job_id: error for request in requests}
    gate.note_success(door)
    if gone := next((answer for answer in answers.values() if isinstance(answer, NoSuchRoute)), None):
        gate.note_failure(door.name, gone)
    return answers


def _look_for(door: gate.Gate, lease: Lease) -> None:
    """A job that the cluster has, under an id that no row remembers: look it up, or give it up like a lost one."""
    with suppress(lifecycle.LeaseLost):
        if not mending.find_run(door, lease):
            _missing(lease, "Nobody knows under which id the GPU cluster runs this job; looking for it.")


def _take(
    door: gate.Gate, lease: Lease, external_id: str, answer: Polled | ClusterError, *, is_last: bool = False
) -> bool:
    """Apply one job's answer; whether its lease is given back by that. Whatever goes wrong stays with this job."""
    try:
        if isinstance(answer, NoSuchJob):
            _missing(lease, "The GPU cluster says that it does not know this job; asking again.")
        elif isinstance(answer, ClusterError):
            _unanswered(lease, f"Waiting for the GPU cluster: {answer.message}", told_s=answer.retry_after_s)
        else:
            with lifecycle.locked(lease) as job:
                attempt = job.attempts.get(number=job.attempt)
                if attempt.external_job_id != external_id:
                    return False  # an answer about another run than the one that is followed by now
                job.external_job_id = external_id
                gives_back = is_last and not answer.has_more
                if gives_back:
                    lifecycle.give_back(job)
                apply.reports([apply.Report(job, attempt, answer)], door.capabilities, now=timezone.now())
                job.save()
                attempt.save()
                return gives_back
    except lifecycle.LeaseLost:
        logger.info("Job %s was taken over by another worker", str(lease.job_id)[:8])
    except Exception:
        logger.exception("Job %s: the cluster's answer could not be taken over", str(lease.job_id)[:8])
        _unanswered(lease, "An answer of the GPU cluster could not be read; the operator's log says why.")
    return False


def _unanswered(lease: Lease, why: str, *, told_s: float | None = None) -> None:
    """The cluster did not say how the job is: keep it as it is, say what it waits for, ask again later.

    Whoever asked before it was due, since somebody looks or a message came twice, does not put the next time off.
    """
    now = timezone.now()
    with suppress(lifecycle.LeaseLost), lifecycle.locked(lease) as job:
        longest_s = LONGEST_SECONDS_OF_A_CANCEL if job.status == Status.CANCELLING else LONGEST_SECONDS
        job.waiting_for = why[:500]
        if not job.poll_failures or is_due(job.next_poll_at, now):
            count_silence(job)
            job.next_poll_at = retry_at(now, failures=job.poll_failures, told_s=told_s, longest_s=longest_s)
        job.save(update_fields=["poll_failures", "waiting_for", "next_poll_at", "updated_at"])


def count_silence(job: TrainingJob) -> None:
    """Count a call without an answer. While a job is missing its misses are counted, and silence is no miss."""
    if job.missing_since is None:
        job.poll_failures += 1


def _missing(lease: Lease, why: str) -> None:
    """The cluster does not know the job: lost, once it has said so several times over some minutes."""
    now = timezone.now()
    with lifecycle.locked(lease) as job:
        attempt = mending.attempt_of(job)
        if job.missing_since is None or job.missing_since > now:
            job.missing_since = now
            job.poll_failures = 0
        job.poll_failures += 1
        job.waiting_for = why
        job.next_poll_at = retry_at(now, failures=1, first_s=30.0)
        job.save()
        if job.poll_failures < LOST_AFTER_MISSES or now - job.missing_since < LOST_AFTER:
            return
        if attempt is not None and finish.is_handing_over(job, attempt):
            finish.handed_nothing_over(job, attempt, now=now)
            return
        if attempt is not None:
            billing.update(job, attempt, None, seen_until=attempt.last_seen_at)
        finish.fail(job, attempt, ErrorCode.LOST, now=now)
