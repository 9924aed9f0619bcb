"""The gate before each cluster: what it can do, and whether to call it now (circuit breaker).

Nothing is submitted to a cluster whose level is not known. A key that is refused, or five calls in a row
without an answer, opens the breaker: jobs stay as they are, say what they wait for, and one call later
finds out whether it is over.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from jobs.clusters import registry
from jobs.clusters.base import Capabilities, Cluster, ClusterError, Denied, Unknown, Unreachable
from jobs.models import Cluster as ClusterRow

logger = logging.getLogger(__name__)

KNOWN_FOR = timedelta(minutes=5)
FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=60)
ASK_AGAIN_AFTER = timedelta(seconds=10)


class GateClosed(Exception):
    """The cluster is not to be called for `wait_s` seconds; `reason` is a sentence for the user."""

    def __init__(self, reason: str, wait: timedelta) -> None:
        super().__init__(reason)
        self.reason = f"Waiting for the GPU cluster: {reason}"
        self.wait_s = wait.total_seconds()


@dataclass(frozen=True)
class Gate:
    name: str
    cluster: Cluster
    capabilities: Capabilities
    had_failures: bool


def enter(name: str, *, to_submit: bool = False) -> Gate:
    """The cluster and what it can do, asked anew every few minutes. Raises GateClosed.

    Where asking fails, the jobs that a cluster has are followed and stopped by what was known of it, but
    nothing is submitted: what a repeated submit does depends on what the cluster can do now.
    """
    now = timezone.now()
    row, _ = ClusterRow.objects.get_or_create(name=name)
    if row.open_until is not None and row.open_until > now:
        raise GateClosed(row.last_error, row.open_until - now)
    address = str(settings.GPU_CLUSTERS.get(name, {}).get("URL", ""))
    is_known = row.level is not None and row.address == address
    try:
        cluster = registry.open_cluster(name)
    except ClusterError as error:
        raise _closed(name, error) from error
    if not is_known or row.checked_at is None or row.checked_at < now - KNOWN_FOR:
        try:
            _learn(row, address, cluster.capabilities())
        except ClusterError as error:
            closed = _closed(name, error)
            if to_submit or not is_known:
                raise closed from error
    return Gate(name, cluster, row.capabilities, row.consecutive_failures > 0 or row.open_until is not None)


def refresh_all() -> None:
    """Learn what each cluster can do and which GPUs it has, where that is not known or old."""
    for name in registry.cluster_names():
        try:
            enter(name)
        except GateClosed as closed:
            logger.info("GPU cluster %s: %s", name, closed.reason)


def known(name: str) -> Capabilities:
    """What was last learned of a cluster, without asking it."""
    return ClusterRow.objects.get(name=name).capabilities


def note_success(door: Gate) -> None:
    """A call was answered: close the breaker. As a rule there is nothing to write."""
    if door.had_failures:
        ClusterRow.objects.filter(name=door.name).update(consecutive_failures=0, open_until=None, last_error="")


def note_failure(name: str, error: ClusterError) -> None:
    """Count a call without an answer, or a refused key; open the breaker where that is enough."""
    if not isinstance(error, Denied | Unreachable | Unknown) or error.retry_after_s is not None:
        return  # the cluster is there and answers
    now = timezone.now()
    rows = ClusterRow.objects.filter(name=name)
    rows.update(consecutive_failures=F("consecutive_failures") + 1, last_error=error.message[:500])
    enough = rows if isinstance(error, Denied) else rows.filter(consecutive_failures__gte=FAILURES_TO_OPEN)
    newly_open = enough.filter(open_until=None).exists()
    if enough.update(open_until=now + OPEN_FOR) and newly_open:
        logger.error("GPU cluster %s is not called for a while: %s", name, error.message)


def _closed(name: str, error: ClusterError) -> GateClosed:
    note_failure(name, error)
    return GateClosed(error.message, ASK_AGAIN_AFTER)


def _learn(row: ClusterRow, address: str, found: Capabilities) -> None:
    # The breaker stays as it is: that a cluster tells anybody what it can do does not mean that it takes our key.
    row.address = address
    row.level = found.level
    row.features = sorted(found.features)
    row.gpu_types = [{"type": gpu_type, "count": count} for gpu_type, count in found.gpu_types]
    row.simulated = found.simulated
    row.checked_at = timezone.now()
    row.save(update_fields=["address", "level", "features", "gpu_types", "simulated", "checked_at"])
