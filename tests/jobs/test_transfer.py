"""A file on its way home: under a lease that lives as long as bytes flow, bounded in number and size."""

from collections.abc import Iterator
from io import BytesIO

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from datasets.storage.base import ObjectMissing, ObjectStore
from jobs import lifecycle
from jobs.clusters.base import ArtifactFile
from jobs.lifecycle import Lease, LeaseLost
from jobs.models import TrainingJob
from jobs.reconcile import transfer
from jobs.states import Status
from tests.jobs.conftest import at_cluster
from tests.jobs.scripted import ScriptedCluster
from tests.jobs.test_collection import ADAPTER, a_file, collected, finished, listed

__all__ = ["finished"]

pytestmark = pytest.mark.django_db

FILE = ArtifactFile(path="adapter.bin", size=None, sha256="")
PLACE = {"bucket": "lora-models", "path": "alice/adapter.bin"}


def taken(job: TrainingJob) -> list[Lease]:
    """The lease of the job, where it is free."""
    return lifecycle.claim([job.pk], statuses=[Status.RUNNING], now=timezone.now(), seconds=transfer.LEASE_SECONDS)


@pytest.mark.parametrize("way", ["copied", "verified"])
def test_nobody_takes_a_job_over_while_its_bytes_flow_however_long(
    way: str, alice: User, store: ObjectStore, clock: time_machine.Traveller
) -> None:
    job = at_cluster(alice)
    [lease] = taken(job)

    def pieces() -> Iterator[bytes]:
        for _ in range(10):
            clock.shift(transfer.LEASE_SECONDS / 2)
            yield b"x" * 1000
            assert not taken(job)

    if way == "copied":
        assert transfer.copied(lease, FILE, pieces(), to=store, **PLACE, limit=10_000)["size"] == 10_000
    else:
        assert transfer.verified(lease, FILE, pieces(), limit=10_000)["size"] == 10_000


def test_whoever_was_silent_for_too_long_stops_where_another_took_over(
    alice: User, store: ObjectStore, clock: time_machine.Traveller
) -> None:
    job = at_cluster(alice)
    [lease] = taken(job)

    def pieces() -> Iterator[bytes]:
        yield b"x"
        clock.shift(transfer.LEASE_SECONDS + 1)
        assert taken(job)
        yield b"x"

    with pytest.raises(LeaseLost):
        transfer.copied(lease, FILE, pieces(), to=store, **PLACE, limit=10_000)
    with pytest.raises(ObjectMissing):
        store.head(**PLACE)


@pytest.mark.parametrize(("limit", "status"), [(2 * len(ADAPTER) - 1, "running"), (2 * len(ADAPTER), "completed")])
@pytest.mark.parametrize("way", ["copied", "uploaded"])
def test_the_files_of_a_run_are_bounded_together(
    way: str,
    limit: int,
    status: str,
    finished: TrainingJob,
    scripted: ScriptedCluster,
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.reconcile.collection.MAX_TOTAL_BYTES", limit)
    names = ("a.bin", "b.bin")
    if way == "copied":
        listed(scripted, *[a_file(scripted, path=name) for name in names])
    else:
        listed(scripted, *[a_file(scripted, path=name, url=None) for name in names])
        for name in names:
            store.put(bucket="lora-models", path=f"alice/{finished.pk}/1/{name}", body=BytesIO(ADAPTER))
    job = collected(finished)
    assert job.status == status
    assert ("more than is taken over" in job.waiting_for) is (status == "running")


def test_a_run_of_very_many_files_is_not_taken_over(finished: TrainingJob, scripted: ScriptedCluster) -> None:
    listed(scripted, *[a_file(scripted, path=f"{number}") for number in range(1001)])
    job = collected(finished)
    assert "1000" in job.waiting_for
    assert scripted.asked("/files/") == []
