"""The gate before each cluster: what it can do, and whether to call it now (circuit breaker).

Nothing is submitted to a cluster whose level is not known. A key that is refused, or five calls in a row
without an answer, opens the breaker: jobs stay as they are, say what they wait for, and one call later
finds out whether it is over.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from jobs.clusters import registry
from jobs.clusters.base import Capabilities, Cluster, ClusterError, Denied, NotSent, Unknown
from jobs.models import Cluster as ClusterRow

logger = logging.getLogger(__name__)

KNOWN_FOR = timedelta(minutes=5)
FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=60)


class GateClosed(Exception):
    """The cluster is not to be called before `until`; `reason` is a sentence for the user."""

    def __init__(self, reason: str, until: datetime) -> None:
        super().__init__(reason)
        self.reason = reason
        self.until = until


@dataclass(frozen=True)
class Gate:
    name: str
    cluster: Cluster
    capabilities: Capabilities


def enter(name: str) -> Gate:
    """The cluster and what it can do. Raises GateClosed."""
    now = timezone.now()
    row, _ = ClusterRow.objects.get_or_create(name=name)
    if row.open_until is not None and row.open_until > now:
        raise GateClosed(f"Waiting for the GPU cluster: {row.last_error}", row.open_until)
    address = str(settings.GPU_CLUSTERS.get(name, {}).get("URL", ""))
    try:
        cluster = registry.open_cluster(name)
        if row.level is None or row.address != address or row.checked_at is None or row.checked_at < now - KNOWN_FOR:
            _learn(row, address, cluster.capabilities())
    except ClusterError as error:
        note_failure(name, error)
        raise GateClosed(f"Waiting for the GPU cluster: {error.message}", now + timedelta(seconds=10)) from error
    return Gate(name, cluster, _capabilities(row))


def known(name: str) -> Capabilities:
    """What was last learned of a cluster, without asking it."""
    return _capabilities(ClusterRow.objects.get(name=name))


def note_success(name: str) -> None:
    """A call was answered: close the breaker."""
    ClusterRow.objects.filter(name=name).exclude(consecutive_failures=0, open_until=None).update(
        consecutive_failures=0, open_until=None, last_error=""
    )


def note_failure(name: str, error: ClusterError) -> None:
    """Count a call without an answer, or a refused key; open the breaker where that is enough."""
    if not isinstance(error, Denied | NotSent | Unknown) or error.retry_after_s is not None:
        return  # the cluster is there and answers
    now = timezone.now()
    rows = ClusterRow.objects.filter(name=name)
    rows.update(consecutive_failures=F("consecutive_failures") + 1, last_error=error.message[:500])
    enough = rows if isinstance(error, Denied) else rows.filter(consecutive_failures__gte=FAILURES_TO_OPEN)
    newly_open = enough.filter(open_until=None).exists()
    if enough.update(open_until=now + OPEN_FOR) and newly_open:
        logger.error("GPU cluster %s is not called for a while: %s", name, error.message)


def _learn(row: ClusterRow, address: str, found: Capabilities) -> None:
    row.address = address
    row.level = found.level
    row.features = sorted(found.features)
    row.gpu_types = [{"type": gpu_type, "count": count} for gpu_type, count in found.gpu_types]
    row.simulated = found.simulated
    row.checked_at = timezone.now()
    row.consecutive_failures = 0
    row.open_until = None
    row.last_error = ""
    row.save()


def _capabilities(row: ClusterRow) -> Capabilities:
    return Capabilities(
        level=row.level or 1,
        features=frozenset(row.features),
        gpu_types=tuple((entry["type"], entry["count"]) for entry in row.gpu_types),
        simulated=row.simulated,
    )
