"""From events to notifications: each event once, none lost, whoever dispatches how often."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from jobs.models import Alert, JobEvent
from jobs.reasons import REASONS, ErrorCode
from notifications import dispatch
from notifications.deliver import IN_APP, deliver
from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, Notification
from notifications.rules import Notice
from notifications.services.preferences import preference_set
from notifications.tasks import deliver_events
from tests.notifications.conftest import MakeDataset, MakeJob, add_event

NOTICE = Notice("job_queued", "title", "message", "low", "")


def advice(code: str) -> str:
    return REASONS[ErrorCode(code)].advice


def types() -> list[str]:
    return list(Notification.objects.order_by("created_at").values_list("type", flat=True))


def test_each_event_that_matters_becomes_one_notification(alice: User, job_of: MakeJob) -> None:
    job = job_of(alice, "queued", "initializing", "running", "completed")
    add_event(job, "artifact", state="ready")
    assert dispatch_pending() == 5
    assert types() == ["job_queued", "job_started", "job_completed", "artifact_ready"]
    assert Notification.objects.filter(owner=alice, read=False).count() == 4
    told = Delivery.objects.exclude(notification=None).order_by("job_event")
    assert list(told.values_list("notification__type", flat=True)) == types()


def test_dispatching_again_tells_nothing_twice(alice: User, job_of: MakeJob, dataset_of: MakeDataset) -> None:
    job_of(alice, "queued")
    dataset_of(alice, "uploaded", "ready")
    assert dispatch_pending() == 3
    assert dispatch_pending() == 0
    assert dispatch_pending(everything=True) == 0
    assert types() == ["job_queued", "dataset_ready"]


def test_an_event_that_tells_nothing_is_passed_over_next_time(alice: User, job_of: MakeJob) -> None:
    add_event(job_of(alice), "stage")
    dispatch_pending()
    assert Delivery.objects.get().state == Delivery.State.DONE
    assert not Notification.objects.exists()


def test_an_event_that_commits_late_is_still_found(alice: User, job_of: MakeJob) -> None:
    job = job_of(alice, "queued", "running", "failed")
    late = JobEvent.objects.get(to_status="queued")
    Delivery.objects.bulk_create(
        Delivery(job_event=event, owner=alice, channel="in-app", state="done")
        for event in job.events.exclude(pk=late.pk)
    )
    assert dispatch_pending() == 1
    assert types() == ["job_queued"]


def test_the_notification_goes_to_the_owner_alone_whatever_others_wish(alice: User, bob: User, job_of: MakeJob) -> None:
    preference_set(user=bob, switches={("job_queued", "in-app"): False})
    job_of(alice, "queued")
    dispatch_pending()
    assert Notification.objects.get().owner == alice


def test_alerts_go_to_operators_who_still_are(alice: User, operator: User, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True, is_active=False)
    Alert.objects.create(kind="cluster_closed", subject="default", message="Look at it.")
    dispatch_pending()
    assert Notification.objects.get().owner == operator


@pytest.mark.parametrize(
    ("status", "code", "error", "told"),
    [
        ("failed", "out_of_memory", "CUDA out of memory.", f"CUDA out of memory. {advice('out_of_memory')}"),
        ("failed", "", "", advice("training_failed")),
        ("cancelled", "budget_reached", "Its budget is used.", f"Now cancelled. {advice('budget_reached')}"),
        ("cancelled", "", "", "Now cancelled."),
    ],
    ids=["failed", "failed for no known reason", "stopped by the system", "cancelled by its user"],
)
def test_an_end_that_its_user_did_not_ask_for_is_told_with_advice(
    status: str, code: str, error: str, told: str, alice: User, job_of: MakeJob
) -> None:
    job = job_of(alice, status)
    job.error_code, job.error_message = code, error
    job.save(update_fields=["error_code", "error_message"])
    dispatch_pending()
    assert Notification.objects.get().message == told


def test_an_event_that_cannot_be_stored_holds_up_no_other_and_is_told_later(
    alice: User, operator: User, job_of: MakeJob
) -> None:
    for name in ("first", "ill", "last"):
        job_of(alice, "queued", name=name)
        Alert.objects.create(kind="cluster_closed", subject=name, message="Look at it.")

    def refuse(execute: Callable[..., Any], sql: str, params: Any, *args: Any) -> Any:
        if sql.startswith("INSERT") and any(value in str(params) for value in ("“ill”", "now: ill")):
            raise OperationalError("The disk is full.")
        return execute(sql, params, *args)

    with connection.execute_wrapper(refuse):
        assert dispatch_pending() == 4
    assert dispatch_pending() == 2
    assert Notification.objects.count() == Delivery.objects.filter(channel="in-app").count() == 6


def test_a_delivery_that_somebody_else_made_is_left_alone(alice: User, job_of: MakeJob) -> None:
    event = job_of(alice, "queued").events.get()
    rows = [Delivery(job_event=event, owner=alice, channel="in-app") for _ in range(2)]
    assert [deliver(row, NOTICE, IN_APP) for row in rows] == [True, False]
    assert Delivery.objects.count() == Notification.objects.count() == 1


def test_a_crash_between_delivery_and_notification_leaves_neither(alice: User, job_of: MakeJob) -> None:
    class Crashing:
        name = "in-app"

        def send(self, notice: Notice, **to: object) -> None:
            raise KeyboardInterrupt

    event = job_of(alice, "queued").events.get()
    with pytest.raises(KeyboardInterrupt):
        deliver(Delivery(job_event=event, owner=alice, channel="in-app"), NOTICE, Crashing())
    assert not Delivery.objects.exists()
    assert dispatch_pending() == 1
    assert Notification.objects.count() == 1


def test_the_same_event_always_has_the_same_notification_id(alice: User, job_of: MakeJob) -> None:
    event = job_of(alice, "queued").events.get()
    dispatch_pending()
    first = Notification.objects.get().pk
    Delivery.objects.all().delete()
    Notification.objects.all().delete()
    dispatch_pending()
    assert Notification.objects.get().pk == first
    assert Delivery.objects.get(job_event=event).notification_id == first


def test_the_database_refuses_a_second_delivery_and_one_of_nothing(alice: User, job_of: MakeJob) -> None:
    event = job_of(alice, "queued").events.get()
    dispatch_pending()
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(job_event=event, owner=alice, channel="in-app")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(owner=alice, channel="in-app")


def test_the_task_drains_more_than_one_batch(alice: User, job_of: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.tasks.BATCH", 2)
    job_of(alice, "queued", "initializing", "running", "completed", "completed")
    deliver_events()
    assert Delivery.objects.count() == 5


def test_a_nudge_looks_at_recent_events_and_beat_at_all(
    alice: User, job_of: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RECENT", 2)
    job_of(alice, "queued", "running", "completed")
    deliver_events()
    assert types() == ["job_started", "job_completed"]
    deliver_events(everything=True)
    assert sorted(types()) == ["job_completed", "job_queued", "job_started"]


def test_finding_nothing_takes_two_queries_per_kind_of_event(alice: User, job_of: MakeJob) -> None:
    job_of(alice, "queued")
    dispatch_pending()
    with CaptureQueriesContext(connection) as queries:
        dispatch_pending()
    assert len(queries) == 6


def test_beat_is_seeded_with_the_sweep(db: None) -> None:
    row = PeriodicTask.objects.get(task="notifications.deliver_events")
    assert (row.interval.every, row.interval.period) == (30, "seconds")
    assert row.kwargs == '{"everything": true}'


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_dispatchers_at_once_tell_each_event_once(
    alice: User, job_of: MakeJob, run_at_once: Callable[[Callable[[], object], int], None]
) -> None:
    for number in range(10):
        job_of(alice, "queued", "running", "completed", name=f"job {number}")
    run_at_once(deliver_events, 4)
    assert Delivery.objects.count() == Notification.objects.count() == 30
