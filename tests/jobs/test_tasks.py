"""The tick and its tasks, on a real broker: one message per due job, and a dead broker stops nobody."""

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery import Celery
from django.contrib.auth.models import User
from django.utils import timezone
from kombu import Queue

from datasets.nudges import nudge, nudge_events
from jobs import services, tasks
from jobs.models import JobLog, TrainingJob
from jobs.states import Status
from lora_pipeline.celery import app as real_app
from tests import factories
from tests.jobs.conftest import MakeJob, at_cluster
from tests.jobs.scripted import ScriptedCluster

pytestmark = pytest.mark.django_db

Message = tuple[str, list[Any]]
QUEUES = ("control", "poll", "data", "deliver")


class Post:
    """What lies in the broker's queues."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def taken(self, queue: str) -> list[Any]:
        """Takes all messages out of a queue."""
        messages = []
        with self._app.connection_for_read() as connection:
            bound = Queue(queue)(connection.default_channel)
            while (message := bound.get(no_ack=True)) is not None:
                messages.append(message)
        return messages

    def read(self) -> dict[str, list[Message]]:
        """Task and arguments of all messages, by queue."""
        read = {name: [(m.headers["task"], m.payload[0]) for m in self.taken(name)] for name in QUEUES}
        return {name: messages for name, messages in read.items() if messages}


def speaking_to(url: str, settings: Any) -> Celery:
    """A Celery app as the product sets it up, on another broker; the current one of this process."""
    settings.CELERY_BROKER_URL = url
    app = Celery("tests")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


@pytest.fixture
def post(broker_url: str, settings: Any) -> Iterator[Post]:
    app = speaking_to(broker_url, settings)
    yield Post(app)
    app.close()
    real_app.set_current()


@pytest.fixture(params=["gone", "silent"])
def dead_broker(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """A broker that is gone, or takes connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if request.param == "gone":
        listener.close()
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {**options, "socket_timeout": 0.3}
    app = speaking_to(f"redis://127.0.0.1:{port}/0", settings)
    yield
    app.close()
    real_app.set_current()
    listener.close()


Committing = Callable[..., Any]


@pytest.fixture
def committing(django_capture_on_commit_callbacks: Committing) -> Committing:
    """`with committing():` what happens after a commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


# -- The tick -----------------------------------------------------------------------------------------------


def test_each_due_job_gets_one_message_in_its_queue(alice: User, post: Post) -> None:
    now = timezone.now()
    times = {"next_attempt_at": now, "next_poll_at": now}
    queued = factories.job(alice, Status.QUEUED, **times)
    running = [at_cluster(alice, "run-1"), at_cluster(alice, "run-2", status=Status.INITIALIZING)]
    cancelling = at_cluster(alice, "run-3", status=Status.CANCELLING)
    ended = at_cluster(alice, "run-4", cluster_result="completed")
    logged = factories.job(alice, Status.COMPLETED, completed_at=now)
    JobLog.objects.create(job=logged, owner=alice)
    JobLog.objects.update(updated_at=now - timedelta(minutes=5))
    assert tasks.process_training_jobs() == {"queued": 1, "running": 2, "cancelling": 1, "finalizing": 1}
    assert post.read() == {
        "control": [("jobs.submit_job", [str(queued.pk)]), ("jobs.release_job", [str(cancelling.pk)])],
        "poll": [("jobs.poll_jobs", [[str(job.pk)]]) for job in running],
        "data": [("jobs.collect_artifact", [str(ended.pk)]), ("jobs.archive_logs", [str(logged.pk)])],
    }


def test_messages_expire_at_the_next_tick(alice: User, post: Post, settings: Any) -> None:
    settings.HEARTBEAT_URL = "https://monitor.example.com/ping"
    before = timezone.now()
    at_cluster(alice)
    factories.job(alice, Status.QUEUED, next_attempt_at=before)
    tasks.process_training_jobs()
    after = timezone.now()
    messages = {message.headers["task"]: message for queue in QUEUES for message in post.taken(queue)}
    assert set(messages) == {"jobs.submit_job", "jobs.poll_jobs", "jobs.send_heartbeat"}
    interval = timedelta(seconds=settings.POLL_INTERVAL_SECONDS)
    for message in messages.values():
        assert before + interval <= datetime.fromisoformat(message.headers["expires"]) <= after + interval


def test_above_a_thousand_polls_travel_in_chunks_and_submits_do_not(alice: User, post: Post) -> None:
    now = timezone.now()
    model = at_cluster(alice, "run-0")
    rows = []
    for number in range(1, 1201):
        status = Status.RUNNING if number <= 1000 else Status.QUEUED
        row = TrainingJob(**{f.attname: getattr(model, f.attname) for f in model._meta.fields if f.name != "id"})
        row.status, row.external_job_id = status, f"run-{number}"
        row.next_attempt_at = row.next_poll_at = now
        rows.append(row)
    TrainingJob.objects.bulk_create(rows, batch_size=100)
    tasks.process_training_jobs()
    read = post.read()
    assert [len(ids) for _, [ids] in read["poll"]] == [200] * 5 + [1]
    assert len({job_id for _, [ids] in read["poll"] for job_id in ids}) == 1001
    assert len(read["control"]) == 200


def test_nothing_due_means_no_message(post: Post) -> None:
    assert tasks.process_training_jobs() == {"queued": 0, "running": 0, "cancelling": 0, "finalizing": 0}
    assert post.read() == {}


# -- What a task leads to -----------------------------------------------------------------------------------


def test_a_submit_tells_that_there_is_news(
    alice: User, queued: MakeJob, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    job = queued(alice)
    with committing():
        tasks.submit_job(str(job.pk))
    assert post.read() == {"deliver": [("notifications.deliver_events", [])]}
    job.refresh_from_db()
    assert job.status == "initializing"


def test_a_poll_without_news_tells_nothing(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", stage="training")
    with committing():
        tasks.poll_jobs([str(job.pk)])
    assert post.read() == {}


def test_new_checkpoints_are_fetched_at_once_and_by_the_next_tick(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    scripted.features = ["batch_status", "checkpoints"]
    job, other = at_cluster(alice), at_cluster(alice, "run-2")
    other.attempts.update(checkpoints_reported=1)
    scripted.says("run-1", "running", checkpoints=1)
    fetch = ("jobs.fetch_checkpoints", [str(job.pk)])
    with committing():
        tasks.poll_jobs([str(job.pk)])
    assert post.read()["data"] == [fetch]
    tasks.process_training_jobs()
    assert fetch in post.read()["data"]


def test_an_end_starts_what_follows_it(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    failed, completed = at_cluster(alice, "run-1"), at_cluster(alice, "run-2")
    scripted.says("run-1", "failed")
    scripted.says("run-2", "completed", model_files={"a": "http://files.example/a"})
    with committing():
        tasks.poll_jobs([str(failed.pk), str(completed.pk)])
    read = post.read()
    assert sorted(read["data"]) == [
        ("jobs.archive_logs", [str(failed.pk)]),
        ("jobs.collect_artifact", [str(completed.pk)]),
    ]
    assert len(read["deliver"]) == 1


@pytest.mark.parametrize(("asked", "again"), [(0, 2), (5, 2), (24, 8), (60, None)])
def test_a_fresh_cancel_is_followed_closely_an_older_one_less_so_and_an_old_one_by_the_tick(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing, asked: int, again: int | None
) -> None:
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk)
    services.job_cancel(user=alice, job_id=at_cluster(alice, "run-2").pk)
    scripted.says("run-1", stage="training")
    now = timezone.now()
    TrainingJob.objects.update(cancel_requested_at=now - timedelta(seconds=asked))
    with time_machine.travel(now, tick=False), committing():
        tasks.release_job(str(job.pk))
    sent = [(m.headers["task"], datetime.fromisoformat(m.headers["eta"])) for m in post.taken("control")]
    assert sent == ([] if again is None else [("jobs.release_job", now + timedelta(seconds=again))])


def test_a_cancel_that_is_done_is_followed_no_more_and_told(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk)
    scripted.says("run-1", "cancelled")
    with committing():
        tasks.release_job(str(job.pk))
    assert post.read() == {
        "data": [("jobs.archive_logs", [str(job.pk)])],
        "deliver": [("notifications.deliver_events", [])],
    }


@pytest.mark.parametrize(
    ("task", "status", "path"),
    [
        (tasks.collect_artifact, Status.RUNNING, "/training/artifacts/run-1"),
        (tasks.pull_logs, Status.RUNNING, "/training/logs/run-1"),
        (tasks.fetch_checkpoints, Status.FAILED, "/training/checkpoints/run-1"),
    ],
)
def test_a_task_asks_the_cluster_for_what_it_is_there_for(
    task: Any, status: Status, path: str, alice: User, scripted: ScriptedCluster, post: Post
) -> None:
    scripted.features = ["artifacts", "logs_cursor", "checkpoints"]
    job = at_cluster(alice, status=status, cluster_result="completed")
    task(str(job.pk))
    assert len(scripted.asked(path)) == 1


def test_a_stop_by_the_system_is_brought_to_the_cluster_at_once(
    alice: User, scripted: ScriptedCluster, post: Post, committing: Committing
) -> None:
    job = at_cluster(alice, max_cost=1)
    scripted.says("run-1", billing={"billable_seconds": 3600})
    with committing():
        tasks.poll_jobs([str(job.pk)])
    assert post.read()["control"] == [("jobs.release_job", [str(job.pk)])]


def test_what_is_delivered_five_times_is_done_once(
    alice: User, queued: MakeJob, scripted: ScriptedCluster, post: Post
) -> None:
    job = queued(alice)
    for _ in range(5):
        tasks.submit_job(str(job.pk))
    assert len(scripted.submits()) == 1


# -- Nudges -------------------------------------------------------------------------------------------------


def test_a_nudge_reaches_its_queue_after_the_commit(post: Post, committing: Committing) -> None:
    with committing():
        nudge(tasks.submit_job, "some-id")
        nudge_events()
        assert post.read() == {}
    assert post.read() == {
        "control": [("jobs.submit_job", ["some-id"])],
        "deliver": [("notifications.deliver_events", [])],
    }


def test_logs_and_files_never_delay_a_cancel(post: Post, committing: Committing) -> None:
    with committing():
        for task in (tasks.pull_logs, tasks.archive_logs, tasks.collect_artifact):
            nudge(task, "some-id")
    assert list(post.read()) == ["data"]


@pytest.mark.timeout(4, func_only=True)
def test_a_dead_broker_neither_fails_nor_holds_up_who_nudges(
    dead_broker: None, committing: Committing, caplog: pytest.LogCaptureFixture
) -> None:
    with committing():
        nudge(tasks.submit_job, "some-id")
    assert "Could not reach the broker" in caplog.text


def test_a_broker_that_did_not_answer_is_left_alone_for_a_while(
    dead_broker: None, committing: Committing, caplog: pytest.LogCaptureFixture
) -> None:
    with committing():
        for _ in range(3):
            nudge(tasks.submit_job, "some-id")
        nudge_events()
    assert caplog.text.count("Could not reach the broker") == 1


def test_with_a_dead_broker_work_still_gets_done(
    alice: User, scripted: ScriptedCluster, dead_broker: None, committing: Committing
) -> None:
    job = services.job_cancel(user=alice, job_id=at_cluster(alice).pk)
    scripted.says("run-1", "cancelled")
    with committing():
        tasks.release_job(str(job.pk))
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_each_tick_starts_a_heartbeat_where_a_monitor_is_set(post: Post, settings: Any) -> None:
    tasks.process_training_jobs()
    assert post.read() == {}
    settings.HEARTBEAT_URL = "https://monitor.example.com/ping"
    tasks.process_training_jobs()
    assert post.read() == {"deliver": [("jobs.send_heartbeat", [])]}
