"""The one door for a status, and leases: who holds one works, who lost it writes nothing."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from jobs import lifecycle, reconcile, services
from jobs.lifecycle import IllegalTransition, Lease, LeaseLost
from jobs.models import TrainingJob
from jobs.states import ACTIVE, Status, is_legal
from tests import factories
from tests.jobs.conftest import at_cluster
from tests.jobs.scripted import ScriptedCluster

ANY = frozenset(Status)
LATER = timedelta(seconds=lifecycle.LEASE_SECONDS + 1)


def events(job: TrainingJob) -> list[tuple[str, str]]:
    return list(job.events.filter(kind="status").values_list("from_status", "to_status"))


def claim(job: TrainingJob, *, after: timedelta = timedelta()) -> list[Lease]:
    return lifecycle.claim([job.pk], statuses=ANY, now=timezone.now() + after)


# -- The door -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", Status)
def test_a_row_and_its_event_change_together_or_not_at_all(source: Status, target: Status, alice: User) -> None:
    job, bystander = factories.job(alice, source), factories.job(alice, source)
    before = events(job)
    if is_legal(source, target):
        lifecycle.transition(job, target, actor="system", message="So it is.")
        assert events(job) == [*before, (source, target)]
    else:
        with pytest.raises(IllegalTransition):
            lifecycle.transition(job, target, actor="system", message="So it is not.")
        assert events(job) == before
    stored = TrainingJob.objects.get(pk=job.pk)
    assert stored.status == (target if is_legal(source, target) else source)
    assert job.status == stored.status
    bystander.refresh_from_db()
    assert (bystander.status, len(events(bystander))) == (source, len(before))


@pytest.mark.django_db
def test_who_looked_at_an_old_row_changes_nothing(alice: User) -> None:
    job = factories.job(alice, Status.RUNNING)
    stale = TrainingJob.objects.get(pk=job.pk)
    lifecycle.transition(job, Status.COMPLETED, actor="system", message="Done.")
    with pytest.raises(IllegalTransition):
        lifecycle.transition(stale, Status.CANCELLED, actor="system", message="Too late.", progress=1.0)
    job.refresh_from_db()
    assert (job.status, job.current_stage, job.progress) == ("completed", "completed", 100.0)
    assert [to for _, to in events(job)].count("cancelled") == 0


@pytest.mark.django_db
def test_a_job_started_when_it_first_ran_and_the_timeline_says_who_said_so(alice: User) -> None:
    job = factories.job(alice, Status.QUEUED)
    started = []
    for status in (Status.INITIALIZING, Status.RUNNING, Status.QUEUED, Status.RUNNING):
        lifecycle.transition(job, status, actor="cluster", message="So it is.")
        started.append(TrainingJob.objects.get(pk=job.pk).started_at)
    assert started[0] is None
    assert started[1] is not None
    assert started[1:] == [started[1]] * 3
    assert set(job.events.exclude(from_status="").values_list("actor", flat=True)) == {"cluster"}


@pytest.mark.django_db
def test_an_end_leaves_nothing_to_wait_for(alice: User) -> None:
    going_on = {"waiting_for": "a cluster", "stage_detail": "Shard 2 of 4", "stage_progress": 40.0}
    job = factories.job(alice, Status.RUNNING, estimated_completion_at=timezone.now(), **going_on)
    lifecycle.transition(job, Status.FAILED, actor="system", message="Over.")
    job.refresh_from_db()
    assert (job.waiting_for, job.estimated_completion_at) == ("", None)
    assert (job.stage_detail, job.stage_progress) == ("", None)
    assert job.completed_at is not None


@pytest.mark.django_db
def test_a_warning_is_told_once_per_code(alice: User) -> None:
    job = factories.job(alice)
    for code, message in (("odd", "first"), ("strange", "second"), ("odd", "again")):
        lifecycle.warn(job, code, message)
    assert job.warnings == [{"code": "odd", "message": "first"}, {"code": "strange", "message": "second"}]
    assert job.events.filter(kind="warning").count() == 2


# -- Leases -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_job_is_claimed_once(alice: User) -> None:
    job = factories.job(alice)
    assert len(claim(job)) == 1
    assert claim(job) == []


@pytest.mark.django_db
def test_a_released_job_can_be_claimed_again(alice: User) -> None:
    job = factories.job(alice)
    lifecycle.release(claim(job))
    assert len(claim(job)) == 1


@pytest.mark.django_db
def test_only_jobs_in_the_wanted_statuses_are_claimed_and_many_at_once(alice: User) -> None:
    jobs = [factories.job(alice, status) for status in (Status.COMPLETED, Status.RUNNING, Status.RUNNING)]
    taken = lifecycle.claim([job.pk for job in jobs], statuses=ACTIVE, now=timezone.now())
    assert {lease.job_id for lease in taken} == {jobs[1].pk, jobs[2].pk}


@pytest.mark.django_db
def test_each_of_the_leases_that_were_claimed_together_is_a_lease_on_its_own_job(alice: User) -> None:
    first, second, other = (factories.job(alice) for _ in range(3))
    leases = {lease.job_id: lease for lease in lifecycle.claim([first.pk, second.pk], statuses=ANY, now=timezone.now())}
    assert len(claim(other)) == 1, "nobody claimed it"
    for job in (first, second):
        with lifecycle.locked(leases[job.pk]) as row:
            assert row.pk == job.pk
    lifecycle.renew(leases[first.pk], now=timezone.now() + LATER)
    assert claim(first, after=LATER) == []
    assert len(claim(second, after=LATER)) == 1
    lifecycle.release([leases[first.pk]])
    assert len(claim(first)) == 1


@pytest.mark.django_db
def test_a_job_that_is_given_back_frees_no_other(alice: User) -> None:
    jobs = [factories.job(alice) for _ in range(2)]
    leases = lifecycle.claim([job.pk for job in jobs], statuses=ANY, now=timezone.now())
    lifecycle.release([lease for lease in leases if lease.job_id == jobs[0].pk])
    assert [len(claim(job)) for job in jobs] == [1, 0]


@pytest.mark.django_db
def test_of_several_jobs_those_are_locked_together_whose_lease_is_still_held(alice: User) -> None:
    kept, lost, free = (factories.job(alice) for _ in range(3))
    leases = lifecycle.claim([kept.pk, lost.pk, free.pk], statuses=ANY, now=timezone.now())
    by_job = {lease.job_id: lease for lease in leases}
    lifecycle.release([by_job[free.pk]])
    [_] = claim(lost, after=LATER)
    with lifecycle.locked_together(leases) as jobs:
        assert jobs == {by_job[kept.pk]: kept}


@pytest.mark.django_db
def test_an_expired_lease_is_taken_over_and_the_old_holder_writes_nothing(alice: User) -> None:
    job = factories.job(alice)
    [old] = claim(job)
    [new] = claim(job, after=LATER)
    with pytest.raises(LeaseLost), lifecycle.locked(old) as row:
        row.save()
    with pytest.raises(LeaseLost):
        lifecycle.renew(old, now=timezone.now())
    lifecycle.release([old])
    with lifecycle.locked(new) as row:
        assert row.pk == job.pk


@pytest.mark.django_db
def test_the_lease_of_a_worker_that_died_is_free_again(alice: User) -> None:
    job = factories.job(alice)
    claim(job)
    assert len(claim(job, after=LATER)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [None, lifecycle.LONGEST_LEASE * 2])
def test_a_lease_that_would_hold_for_ever_holds_nobody_off(ahead: timedelta | None, alice: User) -> None:
    expires = None if ahead is None else timezone.now() + ahead
    job = factories.job(alice, lease_token=uuid.uuid4(), lease_expires_at=expires)
    assert len(claim(job)) == 1


@pytest.mark.django_db
def test_a_renewed_lease_is_not_taken_over(alice: User) -> None:
    job = factories.job(alice)
    [lease] = claim(job)
    lifecycle.renew(lease, now=timezone.now() + LATER)
    assert claim(job, after=LATER) == []


@pytest.mark.django_db
def test_a_block_that_lost_its_lease_ends_quietly(alice: User) -> None:
    job = factories.job(alice)
    with lifecycle.leased(job.pk, statuses=ANY) as lease:
        assert lease is not None
        claim(job, after=LATER)
        with lifecycle.locked(lease) as row:
            row.name = "stolen"
            row.save()
    job.refresh_from_db()
    assert job.name != "stolen"
    assert job.lease_token is not None


@pytest.mark.django_db
def test_a_lease_is_given_back_also_after_a_crash(alice: User) -> None:
    job = factories.job(alice)
    with pytest.raises(ZeroDivisionError), lifecycle.leased(job.pk, statuses=ANY):
        raise ZeroDivisionError
    assert len(claim(job)) == 1


# -- Races, with real transactions --------------------------------------------------------------------------


def at_once(*commands: Callable[[], object]) -> list[Exception]:
    """Run the commands in threads that start together; what they raised."""
    start, raised = threading.Barrier(len(commands)), []

    def run(command: Callable[[], object]) -> None:
        start.wait()
        try:
            command()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(command,)) for command in commands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_cancels_at_once_write_one_event(alice: User) -> None:
    job = factories.job(alice, Status.RUNNING)
    raised = at_once(*[lambda: services.job_cancel(user=alice, job_id=job.pk)] * 4)
    assert raised == []
    assert events(job).count(("running", "cancelling")) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_many_claims_at_once_give_one_lease(alice: User) -> None:
    job = factories.job(alice)
    taken: list[Lease] = []
    at_once(*[lambda: taken.extend(claim(job))] * 4)
    assert len(taken) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_cancel_and_a_poll_that_sees_the_end_agree_on_one_end(alice: User, scripted: ScriptedCluster) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", "failed", error_message="It broke.")
    at_once(lambda: services.job_cancel(user=alice, job_id=job.pk), lambda: reconcile.poll([job.pk]))
    reconcile.release(job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    path = events(job)[1:]
    assert [source for source, _ in path[1:]] == [target for _, target in path[:-1]]
    assert [target for _, target in path].count("failed") == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_cancel_before_the_intent_leaves_nothing_to_send_and_one_after_it_is_brought_to_the_cluster(
    alice: User,
) -> None:
    job = factories.job(alice, Status.QUEUED)

    def intend() -> None:
        [lease] = claim(job)
        with lifecycle.locked(lease) as row:
            if row.status == Status.QUEUED:
                row.submission_key = "sent"
                row.save()

    at_once(lambda: services.job_cancel(user=alice, job_id=job.pk), intend)
    job.refresh_from_db()
    assert job.status == ("cancelling" if job.submission_key else "cancelled")
    assert len(events(job)) == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_row_in_somebodys_hands_is_waited_for(alice: User) -> None:
    job = factories.job(alice, Status.RUNNING)
    [lease] = claim(job)
    waiting = threading.Thread(target=lambda: at_once(lambda: services.job_cancel(user=alice, job_id=job.pk)))
    with lifecycle.locked(lease) as row:
        waiting.start()
        lifecycle.transition(row, Status.COMPLETED, actor="system", message="Done.")
    waiting.join()
    job.refresh_from_db()
    assert job.status == "completed"
