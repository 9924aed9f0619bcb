"""What is due goes out: each once unless it failed, with the same id at every try, whoever sends."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django_celery_beat.models import PeriodicTask
from standardwebhooks import Webhook

from jobs import alerts
from notifications import compose, retries
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, Notification, Preference, WebhookEndpoint
from notifications.sending import LANES, is_due, send_due
from notifications.tasks import deliver_events
from tests.contracts.wire import Request, Script, hang, reply
from tests.notifications.conftest import MakeDataset, MakeEndpoint, MakeJob, Receive, webhook_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def answers(*scripts: Script) -> Script:
    """The first request gets the first answer, and so on; the last one stays."""
    left = list(scripts)

    def script(connection: socket.socket, request: Request) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(connection, request)

    return script


def pass_time(clock: time_machine.Traveller) -> list[float]:
    """Send what is due, then go to the next try, until none is left. The tries in hours after the first."""
    began = datetime.now(UTC)
    tries = []
    while True:
        if send_due():
            tries.append((datetime.now(UTC) - began).total_seconds() / 3600)
        pending = Delivery.objects.filter(state="pending").order_by("next_attempt_at").first()
        if pending is None or pending.next_attempt_at is None:
            return tries
        clock.move_to(max(pending.next_attempt_at, datetime.now(UTC) + timedelta(seconds=1)))


def test_an_event_reaches_each_endpoint_that_wants_it_once(
    alice: User, bob: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    first, second, other, bobs = receive(), receive(), receive(), receive()
    endpoint_of(alice, first.url)
    endpoint_of(alice, second.url, "job_queued", "job_failed")
    endpoint_of(alice, other.url, "dataset_ready")
    endpoint_of(bob, bobs.url)
    job_of(alice, "queued", "running")
    dispatch_pending()
    assert send_due() == 3
    assert send_due() == 0
    assert [request.json()["type"] for request in first.requests] == ["job_queued", "job_started"]
    assert [request.json()["type"] for request in second.requests] == ["job_queued"]
    assert other.connections == bobs.connections == 0


def test_the_body_says_what_happened_and_can_be_verified(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive, settings: Any
) -> None:
    settings.SITE_URL = "https://lora.example.com"
    server = receive()
    endpoint = endpoint_of(alice, server.url)
    job = job_of(alice, "completed")
    dispatch_pending()
    send_due()
    request = server.requests[0]
    secret = compose.secrets(endpoint, now=datetime.now(UTC))[0]
    body = Webhook(secret).verify(request.body, dict(request.headers))
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "job_completed"
    assert body["data"]["url"] == f"https://lora.example.com/training/jobs/{job.pk}"
    assert body["data"]["job"]["id"] == str(job.pk)
    assert body["data"]["job"]["status"] == "completed"


def test_a_dataset_and_an_alert_are_told_too(
    operator: User, dataset_of: MakeDataset, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint_of(operator, server.url)
    dataset_of(operator, "ready")
    alerts.record("cluster_closed", "default", "It refuses our key.")
    dispatch_pending()
    send_due()
    about = [set(request.json()["data"]) & {"dataset", "alert"} for request in server.requests]
    assert about == [{"dataset"}, {"alert"}]


def test_alerts_are_for_operators_alone_and_each_of_them(
    alice: User, operator: User, charlie: User, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    charlie.is_staff = True
    charlie.save()
    endpoint_of(alice, receive().url)
    alerts.record("cluster_closed", "default", "It refuses our key.")
    deliver_events()
    deliver_events()
    assert not Delivery.objects.filter(owner=alice).exists()
    assert set(Notification.objects.values_list("owner__username", flat=True)) == {"operator", "charlie"}
    assert Notification.objects.first().title == "A GPU cluster is not used for now: default"  # type: ignore[union-attr]


def test_an_alert_waits_for_the_first_operator(alice: User) -> None:
    alerts.record("cluster_closed", "default", "It refuses our key.")
    assert dispatch_pending() == 0
    alice.is_staff = True
    alice.save()
    assert dispatch_pending() == 1
    assert Notification.objects.get().owner == alice


def test_a_type_can_be_kept_out_of_the_inbox(alice: User, job_of: MakeJob) -> None:
    Preference.objects.create(owner=alice, type="job_queued", channel="in-app", enabled=False)
    job_of(alice, "queued", "running")
    dispatch_pending()
    assert list(Notification.objects.values_list("type", flat=True)) == ["job_started"]
    assert dispatch_pending() == 0


def test_a_receiver_that_fails_is_tried_for_a_day_with_the_same_id_and_body(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive(reply(500, "broken"))
    endpoint = endpoint_of(alice, server.url)
    with time_machine.travel(NOON, tick=False) as clock:
        job = job_of(alice, "completed")
        dispatch_pending()
        hours = pass_time(clock)
    assert len(hours) == len(server.requests) == retries.MAX_TRIES
    assert hours[-1] > 24
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert len({request.body for request in server.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in server.requests}) == retries.MAX_TRIES
    delivery = webhook_of(job)
    assert (delivery.state, delivery.last_status_code, delivery.next_attempt_at) == ("failed", 500, None)
    assert [attempt.number for attempt in delivery.attempts.all()] == list(range(1, retries.MAX_TRIES + 1))
    assert delivery.attempts.first().answer == "broken"  # type: ignore[union-attr]
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert "more than a day" in endpoint.disabled_reason
    assert Notification.objects.filter(owner=alice, type="webhook_disabled").count() == 1


def test_it_arrives_as_soon_as_the_receiver_is_back(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive(answers(reply(503), reply(500), reply(200)))
    endpoint = endpoint_of(alice, server.url)
    with time_machine.travel(NOON, tick=False) as clock:
        job = job_of(alice, "completed")
        dispatch_pending()
        assert len(pass_time(clock)) == 3
    delivery = webhook_of(job)
    assert (delivery.state, delivery.attempts_made) == ("done", 3)
    assert delivery.delivered_at is not None
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.last_success_at is not None


def test_it_waits_as_long_as_the_receiver_asks(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint_of(alice, receive(reply(429, "", Retry_After="3600")).url)
    with time_machine.travel(NOON, tick=False):
        job = job_of(alice, "completed")
        dispatch_pending()
        send_due()
        assert webhook_of(job).next_attempt_at == NOON + timedelta(hours=1)


def test_gone_switches_the_endpoint_off_at_once(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive(reply(410))
    endpoint = endpoint_of(alice, server.url)
    job = job_of(alice, "completed")
    dispatch_pending()
    send_due()
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert webhook_of(job).state == "failed"
    job_of(alice, "queued")
    dispatch_pending()
    assert Delivery.objects.filter(channel="webhook").count() == 1


def test_an_endpoint_that_took_something_today_stays_on(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint = endpoint_of(alice, receive(reply(500)).url)
    with time_machine.travel(NOON, tick=False) as clock:
        job_of(alice, "completed")
        dispatch_pending()
        WebhookEndpoint.objects.update(last_success_at=NOON + timedelta(hours=20))
        pass_time(clock)
    endpoint.refresh_from_db()
    assert endpoint.enabled


def test_what_waits_for_an_endpoint_that_is_off_goes_out_when_it_is_on_again(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint_of(alice, server.url)
    job_of(alice, "completed")
    dispatch_pending()
    WebhookEndpoint.objects.update(enabled=False)
    assert not is_due()
    assert send_due() == 0
    WebhookEndpoint.objects.update(enabled=True)
    assert send_due() == 1


def test_a_slow_endpoint_delays_no_other(
    alice: User, bob: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    others_are_served = threading.Event()
    in_time: list[bool] = []

    def slow(connection: socket.socket, request: Request) -> None:
        in_time.append(others_are_served.wait(60))
        reply(500)(connection, request)

    def quick(connection: socket.socket, request: Request) -> None:
        reply(200)(connection, request)
        if len(quick_one.requests) == 5:
            others_are_served.set()

    endpoint_of(alice, receive(slow).url)
    quick_one = receive(quick)
    endpoint_of(bob, quick_one.url)
    for number in range(5):
        job_of(alice, "completed", name=f"job {number}")
        job_of(bob, "completed", name=f"job {number}")
    dispatch_pending()
    assert send_due() == 6
    assert in_time == [True]


def test_a_round_begins_nothing_when_its_time_is_up(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint_of(alice, receive().url)
    job_of(alice, "queued", "running", "completed")
    dispatch_pending()
    assert [send_due(seconds=0) for _ in range(4)] == [1, 1, 1, 0]


def test_no_more_is_taken_than_can_be_called_at_once_and_whoever_waits_longest_comes_first(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    for _ in range(LANES + 1):
        endpoint_of(alice, server.url)
    job_of(alice, "completed")
    dispatch_pending()
    last = Delivery.objects.filter(channel="webhook").order_by("pk").first()
    assert last is not None
    Delivery.objects.filter(channel="webhook").exclude(pk=last.pk).update(next_attempt_at=NOON)
    assert send_due() == LANES
    assert list(Delivery.objects.filter(channel="webhook", state="pending")) == [last]
    assert send_due() == 1


def test_an_endpoint_that_failed_slowly_is_left_in_peace_for_a_while(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.channels.webhook.CALL_S", 0.5)
    server = receive(hang)
    endpoint = endpoint_of(alice, server.url)
    job_of(alice, "queued", "running", "completed")
    with time_machine.travel(NOON, tick=False) as clock:
        dispatch_pending()
        assert send_due() == 1
        assert send_due() == 0
        endpoint.refresh_from_db()
        assert endpoint.busy_until is not None
        assert endpoint.busy_until - NOON >= timedelta(seconds=1.5)
        clock.move_to(endpoint.busy_until)
        assert send_due() == 1


def test_a_row_that_cannot_be_settled_delays_no_other(
    alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    servers = [receive(), receive()]
    for server in servers:
        endpoint_of(alice, server.url)
    failures = iter([OperationalError("database is locked")])

    def fail_once(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('UPDATE "delivery_attempts"') and (failure := next(failures, None)) is not None:
            raise failure
        return execute(sql, *args)

    with time_machine.travel(NOON, tick=False) as clock:
        job_of(alice, "completed")
        dispatch_pending()
        with connection.execute_wrapper(fail_once):
            assert send_due() == 2
        states = Delivery.objects.filter(channel="webhook").values_list("state", flat=True)
        assert sorted(states) == ["done", "pending"]
        clock.shift(91)
        assert send_due() == 1
        assert set(states.all()) == {"done"}


def test_beat_looks_for_what_is_due_every_ten_seconds(db: None) -> None:
    row = PeriodicTask.objects.get(task="notifications.send_due")
    assert (row.interval.every, row.interval.period, row.expire_seconds) == (10, "seconds", 10)
