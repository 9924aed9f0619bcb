"""The gate before each cluster: what it can do, and whether to call it now (see jobs.reconcile.breaker).

Nothing is submitted to a cluster whose level is not known. While its breaker is open, jobs stay as they are and
say what they wait for.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.clusters import registry
from jobs.clusters.base import Capabilities, Cluster, ClusterError, NoSuchRoute
from jobs.models import Cluster as ClusterRow
from jobs.models import TrainingJob
from jobs.reconcile import breaker
from jobs.states import ACTIVE

logger = logging.getLogger(__name__)

KNOWN_FOR = timedelta(minutes=5)
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


def enter(name: str, *, to_submit: bool = False, known_since: datetime | None = None, may_probe: bool = True) -> Gate:
    """The cluster and what it can do, asked anew every few minutes, and where that was before `known_since`.
    Raises GateClosed.

    Who does not tell afterwards how a call went may not be the one that finds out whether a cluster is back.
    Where asking fails, the jobs that a cluster has are followed and stopped by what was known of it, but
    nothing is submitted: what a repeated submit does depends on what the cluster can do now.
    """
    now = timezone.now()
    row, _ = ClusterRow.objects.get_or_create(name=name)
    if (wait := breaker.wait(row, now=now, may_probe=may_probe)) is not None:
        raise GateClosed(row.last_error, wait)
    address = str(settings.GPU_CLUSTERS.get(name, {}).get("URL", ""))
    is_known = row.level is not None and row.address == address
    try:
        cluster = registry.open_cluster(name)
    except ClusterError as error:
        raise _closed(name, error) from error
    oldest = max(now - KNOWN_FOR, known_since or now - KNOWN_FOR)
    if not is_known or row.checked_at is None or not oldest <= row.checked_at <= now:
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
            _refresh(name)
        except GateClosed as closed:
            logger.info("GPU cluster %s: %s", name, closed.reason)


def known(name: str) -> Capabilities:
    """What was last learned of a cluster, without asking it."""
    return ClusterRow.objects.get(name=name).capabilities


def note_success(door: Gate) -> None:
    """A call was answered: close the breaker. As a rule there is nothing to write."""
    if door.had_failures:
        breaker.answered(door.name)


def note_failure(name: str, error: ClusterError, *, about: str = "") -> None:
    """Count a call without a useful answer, where it concerned one job `about` that one. What a cluster can do is
    learned anew where a route of its is gone: it may be an older one now, at the same address."""
    if isinstance(error, NoSuchRoute):
        ClusterRow.objects.filter(name=name).update(checked_at=None)
    breaker.failed(name, error, about=about)


@contextmanager
def noted(door: Gate, *, about: str) -> Iterator[None]:
    """Tell the breaker how a call about one job went."""
    try:
        yield
    except ClusterError as error:
        note_failure(door.name, error, about=about)
        raise
    note_success(door)


def _refresh(name: str) -> None:
    row = ClusterRow.objects.filter(name=name).first()
    if row is not None and row.open_until is not None:
        # Whether it takes our key, and does its work, only a job's own call finds out.
        is_in_use = TrainingJob.objects.filter(cluster=name, status__in=ACTIVE).exists()
        if is_in_use or row.key_refused:
            return
        note_success(enter(name, to_submit=True, known_since=timezone.now()))
    else:
        enter(name)


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
