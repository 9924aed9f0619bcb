"""Only when my last job ends: one message of all that ended, made once whoever looks, and never of half of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from rest_framework.test import APIClient

from jobs import lifecycle
from jobs.models import TrainingJob
from jobs.states import Status
from notifications.dispatch import dispatch_pending
from notifications.gathering import gather
from notifications.kinds import JOBS_ENDED
from notifications.models import Delivery, Notification, Preference
from notifications.selectors import deliveries_of
from notifications.sending import send_due
from notifications.services import preferences
from notifications.tasks import deliver_events
from tests.notifications.conftest import MakeEndpoint, MakeJob, Receive
from tests.notifications.post_office import PostOffice


@pytest.fixture
def alice_gathers(alice: User, post_office: PostOffice) -> User:
    preferences.preference_set(user=alice, switches={(JOBS_ENDED, "email"): True})
    return alice


def end(job: TrainingJob, status: Status = Status.COMPLETED) -> None:
    """The job's end with its event, in one transaction, as the road writes it."""
    lifecycle.transition(job, Status.RUNNING, actor="system", message="It runs.")
    lifecycle.transition(job, status, actor="system", message=f"It is {status}.")


def mails() -> list[dict[str, Any]]:
    rows = Delivery.objects.filter(channel="email").exclude(state__in=["held", "done"]).order_by("id")
    return [row.payload or {} for row in rows]


@contextmanager
def failing_at(nth: int) -> Iterator[list[str]]:
    """The block's n-th query fails, and is then in the list."""
    numbers, failed = count(1), []

    def execute_or_fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith(("SELECT", "UPDATE")) and next(numbers) == nth:
            failed.append(sql)
            raise OperationalError("The server closed the connection.")
        return execute(sql, *args)

    with connection.execute_wrapper(execute_or_fail):
        yield failed


def test_nothing_is_mailed_while_another_job_is_active(
    alice_gathers: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    first, second = job_of(alice_gathers, name="first"), job_of(alice_gathers, name="second")
    end(first)
    deliver_events()
    assert send_due() == 0
    end(second, Status.FAILED)
    deliver_events()
    assert send_due() == 1
    (mail,) = post_office.mails
    assert mail["Subject"] == "Your 2 jobs have ended: 1 completed, 1 failed"
    text = next(mail.iter_parts()).get_content()
    assert "“first” is completed" in text
    assert "“second” failed" in text
    assert Notification.objects.filter(type__in=["job_completed", "job_failed"]).count() == 2
    deliver_events(everything=True)
    assert send_due() == 0


def test_jobs_that_end_at_the_same_moment_are_told_together(alice_gathers: User, job_of: MakeJob) -> None:
    """Both have ended, but one event alone has its delivery so far: another dispatcher has the other in its hands."""
    for name in ("first", "second"):
        end(job_of(alice_gathers, name=name))
    while not Delivery.objects.filter(state="held").exists():
        dispatch_pending(limit=1)
    assert gather() == 0
    dispatch_pending()
    assert gather() == 1
    (told,) = mails()
    assert [job["name"] for job in told["data"]["jobs"]] == ["first", "second"]
    assert gather() == 0


def test_each_round_tells_only_of_its_own_jobs(alice_gathers: User, job_of: MakeJob) -> None:
    for name in ("first", "second"):
        end(job_of(alice_gathers, name=name))
        deliver_events()
    assert [[job["name"] for job in told["data"]["jobs"]] for told in mails()] == [["first"], ["second"]]
    assert mails()[0]["data"]["title"].endswith("“first” is completed: it was your last")


def test_a_job_that_is_started_again_by_itself_is_active(alice_gathers: User, job_of: MakeJob) -> None:
    done, lost = job_of(alice_gathers, name="done"), job_of(alice_gathers, name="lost")
    lifecycle.transition(lost, Status.RUNNING, actor="system", message="It runs.")
    lifecycle.transition(lost, Status.QUEUED, actor="system", message="Its machine was lost.")
    end(done)
    deliver_events()
    assert not mails()
    lost.refresh_from_db()
    end(lost)
    deliver_events()
    assert mails()[0]["data"]["jobs_ended"] == 2


def test_another_users_jobs_keep_nobody_waiting(alice_gathers: User, bob: User, job_of: MakeJob) -> None:
    job_of(bob)
    end(job_of(alice_gathers))
    dispatch_pending()
    end(job_of(bob))  # bob's end has not been looked at yet
    assert gather() == 1
    assert len(mails()) == 1


def test_trouble_with_the_database_loses_nothing_and_stays_with_its_owner(
    alice_gathers: User, bob: User, job_of: MakeJob
) -> None:
    """At each of its queries in turn, but for the first, which asks for whom there is something to do."""
    preferences.preference_set(user=bob, switches={(JOBS_ENDED, "email"): True})
    owners = (alice_gathers, bob)
    failed, nth = ["as if"], 1
    while failed:
        nth += 1
        for owner in owners:
            for name in ("first", "second"):
                end(job_of(owner, name=f"{name} of {owner.username}"), Status.CANCELLED)
        dispatch_pending()
        with failing_at(nth) as failed:
            made = gather()
        assert made == (1 if failed else 2)
        assert made + gather() == 2
        rows = Delivery.objects.filter(channel="email", state="pending")
        told = {row.owner: [job["name"] for job in (row.payload or {})["data"]["jobs"]] for row in rows}
        assert told == {owner: [f"first of {owner.username}", f"second of {owner.username}"] for owner in owners}
        rows.update(state="done")
    assert nth > 10, "it really failed on the way"


def test_what_is_held_goes_out_although_the_wish_has_changed(alice_gathers: User, job_of: MakeJob) -> None:
    first, second = job_of(alice_gathers, name="first"), job_of(alice_gathers, name="second")
    end(first)
    deliver_events()
    Preference.objects.all().delete()
    end(second)
    deliver_events()
    assert [told["type"] for told in mails()] == [JOBS_ENDED, "job_completed"]


def test_a_webhook_that_lists_it_gets_one_signed_message(
    alice: User, job_of: MakeJob, receive: Receive, endpoint_of: MakeEndpoint
) -> None:
    server = receive()
    endpoint = endpoint_of(alice, server.url, JOBS_ENDED, "job_started")
    for name in ("first", "second"):
        end(job_of(alice, name=name), Status.CANCELLED)
    deliver_events()
    send_due()
    bodies = [request.json() for request in server.requests]
    assert [body["type"] for body in bodies] == ["job_started", "job_started", JOBS_ENDED]
    assert [job["status"] for job in bodies[-1]["data"]["jobs"]] == ["cancelled", "cancelled"]
    told = Delivery.objects.get(webhook=endpoint, payload__type=JOBS_ENDED)
    assert server.requests[-1].headers["webhook-id"] == f"msg_{told.message_id}"
    assert Delivery.objects.get(gathered_into=told).state == "done"
    assert deliveries_of(endpoint).first() == told
    assert deliveries_of(endpoint).count() == 3


def test_each_way_out_gets_a_message_of_its_own(
    alice_gathers: User, job_of: MakeJob, receive: Receive, endpoint_of: MakeEndpoint, post_office: PostOffice
) -> None:
    servers = receive(), receive()
    for server in servers:
        endpoint_of(alice_gathers, server.url, JOBS_ENDED)
    for name in ("first", "second"):
        end(job_of(alice_gathers, name=name))
    deliver_events()
    send_due()
    for server in servers:
        (request,) = server.requests
        assert [job["name"] for job in request.json()["data"]["jobs"]] == ["first", "second"]
    assert len(post_office.mails) == 1


def test_what_is_held_cannot_be_sent_by_hand(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, api: Callable[[User], APIClient]
) -> None:
    endpoint = endpoint_of(alice, "https://example.com/", JOBS_ENDED)
    job_of(alice)
    end(job_of(alice))
    deliver_events()
    path = f"/api/webhooks/{endpoint.pk}/deliveries"
    (held,) = api(alice).get(f"{path}?state=held").json()["data"]["deliveries"]
    refused = api(alice).post(f"{path}/{held['id']}/replay")
    assert refused.status_code == 409
    assert Delivery.objects.get(webhook=endpoint).state == "held"


def test_a_hundred_jobs_are_told_one_by_one_and_the_rest_counted(alice_gathers: User, job_of: MakeJob) -> None:
    for number in range(103):
        end(job_of(alice_gathers, name=f"job {number}"))
    deliver_events()
    (told,) = mails()
    assert (len(told["data"]["jobs"]), told["data"]["jobs_ended"]) == (100, 103)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_gatherers_at_once_make_one_message(
    alice_gathers: User, job_of: MakeJob, run_at_once: Callable[[Callable[[], object], int], None]
) -> None:
    for number in range(6):
        end(job_of(alice_gathers, name=f"job {number}"))
    run_at_once(deliver_events, 4)
    deliver_events(everything=True)
    (told,) = mails()
    assert told["data"]["jobs_ended"] == 6
