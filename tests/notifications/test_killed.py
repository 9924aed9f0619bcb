"""kill -9 between any two steps of dispatching and sending: whoever comes next makes good what was left."""

import os
import signal
import socket
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, connections

from jobs import alerts
from jobs.models import TrainingJob
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, Notification
from notifications.sending import LEASE, send_due
from tests.contracts.wire import Request, reply
from tests.notifications.conftest import MakeEndpoint, MakeJob, Receive
from tests.notifications.post_office import PostOffice

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

DIED = 9


def dispatch_and_send() -> None:
    dispatch_pending()
    send_due()


def in_a_child(action: Callable[[], object], begun: Callable[[int], None] = lambda pid: None) -> int:
    """Run `action` in a forked process with a connection of its own; its exit code, negative for a signal."""
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork among threads: the child uses none of them
        pid = os.fork()
    if pid == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    begun(pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dying_at(query: int) -> Callable[[], None]:
    """Dispatch and send, and die without a word before the n-th query."""

    def action() -> None:
        left = query

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(DIED)
            return execute(*args)

        with connection.execute_wrapper(count):
            dispatch_and_send()

    return action


def carry_on() -> None:
    """Another worker, once the dead one's leases have run out."""
    with time_machine.travel(datetime.now(UTC) + LEASE + timedelta(seconds=1)):
        dispatch_and_send()


def test_killed_before_any_query_each_operator_still_hears_of_an_alert_once(operator: User, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    code, query = DIED, 0
    while code == DIED:
        query += 1
        alerts.record("cluster_closed", f"killed at {query}", "It refuses our key.")
        code = in_a_child(dying_at(query))
        carry_on()
        assert Notification.objects.filter(owner=operator).count() == query
        assert Notification.objects.filter(owner=charlie).count() == query
    assert code == 0
    assert query > 15


def test_killed_while_the_mail_server_listens_it_is_sent_again_with_the_same_id(
    alice: User, job_of: MakeJob, post_office: PostOffice
) -> None:
    victims: Queue[int] = Queue()

    def kill_once() -> None:
        if len(post_office.tried) == 1:
            os.kill(victims.get(timeout=30), signal.SIGKILL)

    post_office.before_answer = kill_once
    job = job_of(alice, "failed")
    dispatch_pending()
    assert in_a_child(send_due, victims.put) == -signal.SIGKILL
    assert send_due() == 0  # its lease still holds
    carry_on()
    assert rows_of(job) == [("email", "done"), ("in-app", "done")]
    sent = Delivery.objects.get(channel="email")
    assert [mail["Message-ID"] for mail in post_office.mails] == [f"<{sent.message_id}@example.com>"]


def rows_of(job: TrainingJob) -> list[tuple[str, str]]:
    return sorted(Delivery.objects.filter(job_event__job=job).values_list("channel", "state"))


def test_killed_before_any_query_each_event_still_has_one_row_per_way_and_arrives(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint_of(alice, server.url)
    code, query = DIED, 0
    while code == DIED:
        query += 1
        job = job_of(alice, "completed", name=f"killed at {query}")
        code = in_a_child(dying_at(query))
        carry_on()
        assert rows_of(job) == [("in-app", "done"), ("webhook", "done")], query
    assert code == 0
    assert query > 20  # it really died on the way
    assert Notification.objects.count() == query
    told = {request.headers["webhook-id"] for request in server.requests}
    assert told == {
        f"msg_{id_}" for id_ in Delivery.objects.filter(channel="webhook").values_list("message_id", flat=True)
    }


def test_killed_while_the_receiver_reads_it_is_sent_again_with_the_same_id(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    victims: Queue[int] = Queue()

    def deadly(connection: socket.socket, request: Request) -> None:
        if len(server.requests) == 1:
            os.kill(victims.get(timeout=30), signal.SIGKILL)
        else:
            reply(200)(connection, request)

    server = receive(deadly)
    endpoint_of(alice, server.url)
    job = job_of(alice, "completed")
    dispatch_pending()
    assert in_a_child(send_due, victims.put) == -signal.SIGKILL
    assert send_due() == 0  # its lease still holds
    carry_on()
    assert rows_of(job) == [("in-app", "done"), ("webhook", "done")]
    assert len(server.requests) == 2
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    attempts = Delivery.objects.get(channel="webhook").attempts.all()
    assert [(attempt.number, attempt.status_code) for attempt in attempts] == [(1, None), (2, 200)]
