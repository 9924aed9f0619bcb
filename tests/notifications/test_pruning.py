"""Old deliveries are forgotten, and no event is told again for that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django_celery_beat.models import PeriodicTask

from jobs.models import JobEvent
from notifications.checks import deliveries_outlive_their_tries
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, Horizon
from notifications.pruning import prune
from notifications.services import preferences
from notifications.tasks import deliver_events, prune_deliveries
from tests.notifications.conftest import MakeEndpoint, MakeJob

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def told_long_ago(alice: User, job_of: MakeJob, endpoint_of: MakeEndpoint) -> JobEvent:
    """By a webhook alone: a notice in the inbox, which stays, would stop a second one by its id."""
    preferences.preference_set(user=alice, switches={("job_completed", "in-app"): False})
    endpoint_of(alice, "https://example.com/")
    with time_machine.travel(LONG_AGO, tick=False):
        event = job_of(alice, "completed").events.get()
        deliver_events()
    return event


def test_what_was_delivered_long_ago_is_forgotten_and_never_told_again(told_long_ago: JobEvent) -> None:
    Delivery.objects.update(state="done")
    assert prune(now=NOW, keep=MONTH) == 2
    assert not Delivery.objects.exists()
    with time_machine.travel(NOW, tick=False):
        deliver_events(everything=True)
    assert not Delivery.objects.exists()


def test_it_is_not_told_again_where_deliveries_are_kept_for_longer_from_now_on(told_long_ago: JobEvent) -> None:
    Delivery.objects.update(state="done")
    prune(now=NOW, keep=MONTH)
    assert prune(now=NOW, keep=timedelta(days=3650)) == 0
    assert Horizon.objects.get().before == NOW - MONTH
    assert dispatch_pending(everything=True) == 0


def test_a_dispatcher_never_sees_the_rows_gone_and_the_horizon_where_it_was(told_long_ago: JobEvent) -> None:
    """Killed in between, or read in between: the horizon has moved before the first row goes."""
    Delivery.objects.update(state="done")
    before = NOW - MONTH
    Horizon.objects.create(before=before)
    assert dispatch_pending(everything=True) == 0
    Delivery.objects.all().delete()
    assert dispatch_pending(everything=True) == 0


def test_what_waits_or_is_young_stays(told_long_ago: JobEvent, alice: User, job_of: MakeJob) -> None:
    with time_machine.travel(NOW - MONTH + timedelta(seconds=1), tick=False):
        job_of(alice, "completed")
        deliver_events()
    assert prune(now=NOW, keep=MONTH) == 1  # the inbox' row; the webhook's still waits
    assert Delivery.objects.filter(job_event=told_long_ago).get().channel == "webhook"
    assert Delivery.objects.exclude(job_event=told_long_ago).count() == 2


def test_a_late_delivery_of_an_old_event_is_kept_as_long_as_any(told_long_ago: JobEvent) -> None:
    Delivery.objects.update(state="done", created_at=NOW - timedelta(days=1))
    assert prune(now=NOW, keep=MONTH) == 0


def test_many_go_in_batches(told_long_ago: JobEvent, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.pruning.BATCH", 1)
    Delivery.objects.update(state="done")
    assert prune(now=NOW, keep=MONTH) == 2


def test_beat_prunes_daily_by_the_setting(told_long_ago: JobEvent) -> None:
    row = PeriodicTask.objects.get(task="notifications.prune_deliveries")
    assert (row.interval.every, row.interval.period) == (1, "days")
    Delivery.objects.update(state="failed")
    with time_machine.travel(LONG_AGO + timedelta(days=89), tick=False):
        prune_deliveries()
    assert Delivery.objects.count() == 2
    with time_machine.travel(LONG_AGO + timedelta(days=91), tick=False):
        prune_deliveries()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("days", [0, 6, 40_000])
def test_days_that_would_lose_what_is_still_tried_are_refused_at_start(days: int, settings: Any) -> None:
    settings.DELIVERIES_KEEP_DAYS = days
    assert [fault.id for fault in deliveries_outlive_their_tries()] == ["notifications.E004"]
