"""Refusals: what passes is waited out, what lasts fails the job, and a broken cluster is left in peace."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import services
from jobs.models import Cluster
from tests.contracts.wire import reply, reset
from tests.jobs.conftest import (
    MakeJob,
    at_cluster,
    submitted,
)
from tests.jobs.scripted import ScriptedCluster, refusing

pytestmark = pytest.mark.django_db


# -- Refusals -----------------------------------------------------------------------------------------------


def test_many_refusals_for_now_do_not_open_the_breaker(queued: MakeJob, alice: User, scripted: ScriptedCluster) -> None:
    scripted.scripts["/training/submit"] = refusing(402)
    job = queued(alice)
    for _ in range(7):
        job = submitted(job)
    assert job.status == "queued"
    assert "402" in job.waiting_for
    assert Cluster.objects.get().open_until is None


def test_a_lasting_no_fails_the_job_with_the_clusters_words(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = reply(422, {"detail": "rank must be below 8"})
    job = submitted(queued(alice))
    assert (job.status, job.error_code, str(job.final_cost)) == ("failed", "rejected", "0.00")
    assert "rank must be below 8" in job.error_message


def test_the_breaker_closes_once_the_cluster_answers_again(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/"] = refusing(401)
    job = submitted(queued(alice))
    scripted.scripts.clear()
    Cluster.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    job = submitted(job)
    assert job.status == "initializing"
    row = Cluster.objects.get()
    assert (row.open_until, row.consecutive_failures, row.last_error) == (None, 0, "")


def test_an_open_door_to_strangers_does_not_close_the_breaker(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/submit"] = refusing(401)
    job = submitted(queued(alice))
    Cluster.objects.update(open_until=timezone.now() - timedelta(seconds=1), checked_at=None)
    submitted(job)
    assert Cluster.objects.filter(open_until__gt=timezone.now()).exists()


def test_a_cluster_that_is_not_there_got_nothing_and_a_cancel_then_ends_at_once(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    job = submitted(queued(alice, name="first"))  # the level is known now
    job = queued(alice, name="second")
    scripted.wire.close()
    job = submitted(job)
    assert (job.status, job.submission_key) == ("queued", "")
    assert "cannot be reached" in job.waiting_for
    assert services.job_cancel(user=alice, job_id=job.pk).status == "cancelled"


@pytest.mark.parametrize("fault", [reply(500), reply(200, "garbage"), reset], ids=["500", "garbage", "reset"])
def test_nothing_is_submitted_to_a_cluster_whose_level_is_not_known(
    fault: Any, queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    scripted.scripts["/training/capabilities"] = fault
    job = submitted(queued(alice))
    assert (job.status, job.attempts.count()) == ("queued", 0)
    assert scripted.submits() == []


def test_nor_to_one_whose_level_was_known_but_cannot_be_asked_for_again(
    queued: MakeJob, alice: User, scripted: ScriptedCluster
) -> None:
    submitted(queued(alice))
    Cluster.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    scripted.scripts["/training/capabilities"] = reply(500)
    assert submitted(queued(alice)).status == "queued"
    assert len(scripted.submits()) == 1


def test_an_id_that_another_job_has_is_not_taken_over(
    queued: MakeJob, alice: User, bob: User, scripted: ScriptedCluster
) -> None:
    other = at_cluster(bob, "run-1")
    job = submitted(queued(alice))
    # Not "rejected": no setting is at fault, and a run that nobody follows may have begun.
    assert (job.status, job.error_code, job.external_job_id) == ("failed", "submission_unconfirmed", "")
    assert job.attempts.get().outcome == "unknown"
    other.refresh_from_db()
    assert other.status == "running"
