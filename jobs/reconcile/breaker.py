"""The circuit breaker of each cluster: a key that is refused, or five failures in a row, and it is left in peace.

What counts is what concerns the cluster as a whole. A call without any answer does, always; an error that the
cluster answers about one job counts once per job, so that a single job which its cluster cannot stand does not
close the door for all. After a minute one call, and only one at a time, finds out whether it is over. Operators
hear of it twice, however many workers notice: when it opens and when the cluster is back.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs import alerts
from jobs.clusters.base import ClusterError, Denied, Unanswered, Unknown, Unreachable
from jobs.models import Cluster

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=60)
# Longer than the one call may take that finds out whether it is over.
PROBE_FOR = timedelta(seconds=30)


def wait(row: Cluster, *, now: datetime, may_probe: bool) -> timedelta | None:
    """How long the cluster is not to be called yet; None: call it now. Of many that ask at its end one may call, of
    those that `may_probe`: they tell how the call went.
    """
    until = row.open_until
    if until is None:
        return None
    if now < until <= now + OPEN_FOR:  # beyond that a clock was wrong
        return until - now
    is_first = may_probe and Cluster.objects.filter(pk=row.pk, open_until=until).update(open_until=now + PROBE_FOR)
    return None if is_first else PROBE_FOR


def failed(name: str, error: ClusterError, *, about: str = "") -> None:
    """Count a failed call, of one that concerned a single job `about` that job; open the breaker if it is enough."""
    if not isinstance(error, Denied | Unreachable | Unknown) or error.retry_after_s is not None:
        return  # the cluster is there and answers
    now = timezone.now()
    with transaction.atomic():
        row = Cluster.objects.select_for_update().get(name=name)
        told = [about] if about and not isinstance(error, Denied | Unreachable | Unanswered) else []
        if not told or about not in row.failed_about:
            row.consecutive_failures += 1
            row.failed_about = [*row.failed_about, *told][-FAILURES_TO_OPEN:]
        row.last_error = error.message[:500]
        if isinstance(error, Denied) or row.consecutive_failures >= FAILURES_TO_OPEN:
            if row.open_until is None:
                alerts.record("cluster_closed", name, _closed(name, error), detail={"error": error.message[:500]})
            row.open_until = now + OPEN_FOR
            row.key_refused = isinstance(error, Denied)
        row.save(
            update_fields=["consecutive_failures", "failed_about", "last_error", "open_until", "key_refused"],
        )


def answered(name: str) -> None:
    """A call was answered by a cluster that had failed before: all is well again."""
    well = {"consecutive_failures": 0, "failed_about": [], "last_error": "", "open_until": None, "key_refused": False}
    rows = Cluster.objects.filter(name=name)
    with transaction.atomic():
        if rows.filter(open_until__isnull=False).update(**well):
            alerts.record("cluster_back", name, f"The GPU cluster {name} answers again; its jobs go on by themselves.")
        else:
            rows.update(**well)


def _closed(name: str, error: ClusterError) -> str:
    advice = (
        "Check its key, GPU_CLUSTER_API_KEY."
        if isinstance(error, Denied)
        else "Check that it runs, and its address, GPU_CLUSTER_API_URL."
    )
    what = error.message.strip()
    said = what if what.endswith((".", "!", "?")) else f"{what}."
    return f"The GPU cluster {name} is not called for now: {said} Its jobs wait and go on by themselves. {advice}"
