"""Who takes what is due: a claim in the row keeps others off, and outlives whoever is killed, for a while."""

import socket
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection

from notifications import retries
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, DeliveryAttempt, WebhookEndpoint
from notifications.sending import is_due, send_due
from tests.contracts.wire import Request, reply
from tests.notifications.conftest import MakeEndpoint, MakeJob, Receive, webhook_of
from tests.notifications.post_office import PostOffice

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_one_endpoint_gets_one_call_at_a_time(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint = endpoint_of(alice, server.url)
    job_of(alice, "queued", "completed")
    dispatch_pending()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(busy_until=datetime.now(UTC) + timedelta(seconds=60))
    assert send_due() == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):  # whoever held it was killed
        assert send_due() == 2


@pytest.mark.parametrize(
    ("table", "what_others_did"),
    [
        ("webhook_endpoints", {"busy_until": NOON + timedelta(minutes=1)}),
        ("webhook_endpoints", {"enabled": False}),
        ("notification_deliveries", {"attempts_made": 1, "next_attempt_at": NOON + timedelta(seconds=90)}),
    ],
    ids=["endpoint taken", "endpoint switched off", "delivery taken"],
)
def test_what_somebody_took_or_switched_off_a_moment_ago_is_left_to_them(
    table: str,
    what_others_did: dict[str, Any],
    alice: User,
    job_of: MakeJob,
    endpoint_of: MakeEndpoint,
    receive: Receive,
) -> None:
    server = receive()
    endpoint_of(alice, server.url)
    rows: dict[str, Any] = {
        "webhook_endpoints": WebhookEndpoint.objects.all(),
        "notification_deliveries": Delivery.objects.filter(channel="webhook"),
    }

    def be_faster(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith(f'UPDATE "{table}"') and not taken:
            taken.append(True)
            rows[table].update(**what_others_did)
        return execute(sql, *args)

    taken: list[bool] = []
    with time_machine.travel(NOON, tick=False):
        job_of(alice, "completed")
        dispatch_pending()
        with connection.execute_wrapper(be_faster):
            assert send_due() == 0
        assert taken
        assert server.connections == 0
        # What was begun was taken back (with what others did, in this test's one transaction).
        assert send_due() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_while_an_endpoint_is_called_nobody_else_calls_it(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    begun_by_others: list[int] = []

    def send_meanwhile(asking: socket.socket, request: Request) -> None:
        try:
            begun_by_others.append(send_due())
        finally:
            connection.close()
        reply(200)(asking, request)

    server = receive(send_meanwhile)
    endpoint_of(alice, server.url)
    job_of(alice, "queued", "completed")
    dispatch_pending()
    assert send_due() == 2
    assert begun_by_others == [0, 0]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_mail_that_is_being_sent_is_nobody_elses_to_send(
    alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    begun_by_others: list[bool] = []

    def look() -> None:
        try:
            begun_by_others.append(is_due())
        finally:
            connection.close()

    def look_meanwhile() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    post_office.before_answer = look_meanwhile
    job_of(alice, "failed")
    dispatch_pending()
    assert is_due()
    assert send_due() == 1
    assert begun_by_others == [False]
    assert len(post_office.mails) == 1


def test_a_sender_that_was_killed_is_followed_by_another_with_the_same_id(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint_of(alice, server.url)
    with time_machine.travel(NOON, tick=False) as clock:
        job = job_of(alice, "completed")
        dispatch_pending()
        delivery = webhook_of(job)
        # What a killed sender leaves: its claim, and a try without an end.
        Delivery.objects.filter(pk=delivery.pk).update(
            claim=delivery.message_id, next_attempt_at=NOON + timedelta(seconds=90), tries=1, attempts_made=1
        )
        DeliveryAttempt.objects.create(delivery=delivery, owner=alice, number=1, started_at=NOON)
        assert send_due() == 0
        clock.shift(91)
        assert send_due() == 1
    assert server.requests[0].headers["webhook-id"] == f"msg_{delivery.message_id}"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts_made) == ("done", 2)


def test_a_sender_that_comes_back_after_its_claim_ran_out_writes_its_log_alone(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint_of(alice, receive(reply(500)).url)
    others = uuid.uuid4()

    def be_late(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('UPDATE "delivery_attempts"'):
            Delivery.objects.filter(channel="webhook").update(claim=others)
        return execute(sql, *args)

    job = job_of(alice, "completed")
    dispatch_pending()
    with connection.execute_wrapper(be_late):
        assert send_due() == 1
    delivery = webhook_of(job)
    assert (delivery.state, delivery.claim, delivery.last_error) == ("pending", others, "")
    assert delivery.attempts.get().error == "It answered 500."


def test_a_delivery_whose_senders_always_die_is_given_up(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint_of(alice, receive().url)
    job, other = job_of(alice, "completed"), job_of(alice, "completed")
    dispatch_pending()
    Delivery.objects.filter(pk=webhook_of(job).pk).update(tries=retries.MAX_TRIES)
    assert send_due() == 0
    given_up = webhook_of(job)
    assert (given_up.state, given_up.next_attempt_at) == ("failed", None)
    assert "stopped each time" in given_up.last_error
    assert send_due() == 1, "and the next one is not kept back"
    assert webhook_of(other).state == "done"
    assert not is_due()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_senders_at_once_call_each_endpoint_once_per_event(
    alice: User,
    job_of: MakeJob,
    endpoint_of: MakeEndpoint,
    receive: Receive,
    run_at_once: Callable[[Callable[[], object], int], None],
) -> None:
    servers = [receive() for _ in range(3)]
    for server in servers:
        endpoint_of(alice, server.url)
    for number in range(4):
        job_of(alice, "completed", name=f"job {number}")

    def dispatch_and_send() -> None:
        for _ in range(5):  # as with tasks that are delivered five times
            dispatch_pending()
            send_due()

    run_at_once(dispatch_and_send, 2)
    assert Delivery.objects.filter(channel="webhook", state="done").count() == 12
    for server in servers:
        assert len({request.headers["webhook-id"] for request in server.requests}) == len(server.requests) == 4
