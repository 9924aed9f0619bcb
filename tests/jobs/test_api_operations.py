"""For operators: a cycle by hand, and settling a submission whose outcome nobody knows."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
import time_machine
from celery import current_app
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.models import JobAttempt, TrainingJob
from jobs.states import Stage, Status
from tests import factories

Api = Callable[[User], APIClient]


@pytest.fixture
def use_broker() -> Iterator[Callable[[str], None]]:
    """`use_broker(url)` makes the tasks go there for this test."""
    app: Any = current_app
    former = app.conf.broker_url

    def use(url: str) -> None:
        app.conf.broker_url = url
        app._pool = app.amqp._producer_pool = None  # connections are pooled by address

    yield use
    use(former)


@pytest.fixture
def queues(broker_url: str, use_broker: Callable[[str], None]) -> Iterator[redis.Redis]:
    """The real broker behind the tasks, as a client that can count messages."""
    use_broker(broker_url)
    with redis.Redis.from_url(broker_url) as client:
        yield client


@pytest.fixture
def no_broker(use_broker: Callable[[str], None]) -> None:
    use_broker("redis://127.0.0.1:1/0")  # a port where nothing ever listens


@pytest.fixture
def unconfirmed(alice: User) -> TrainingJob:
    """A job whose submission was sent and never answered."""
    job = factories.job(
        alice,
        Status.QUEUED,
        current_stage=Stage.SUBMISSION_UNCONFIRMED,
        submission_key="key:1",
        waiting_for="an answer",
    )
    JobAttempt.objects.create(
        job=job,
        owner=alice,
        number=1,
        cluster="default",
        submission_key="key:1",
        request={},
        sent_at=timezone.now(),
        outcome="unknown",
        unconfirmed_since=timezone.now(),
    )
    return job


def test_a_cycle_by_hand_hands_out_what_is_due_and_counts_it(
    api: Api, alice: User, operator: User, queues: redis.Redis
) -> None:
    factories.job(alice, Status.QUEUED)
    factories.job(alice, Status.RUNNING)
    factories.job(alice, Status.RUNNING)
    factories.job(alice, Status.COMPLETED)
    answer = api(operator).post("/api/process-training-jobs")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Job processing cycle complete",
        "queued": 1,
        "running": 2,
        "cancelling": 0,
        "finalizing": 0,
    }
    assert (queues.llen("control"), queues.llen("poll")) == (1, 2)


def test_a_cycle_is_for_staff_alone(api: Api, alice: User) -> None:
    assert APIClient().post("/api/process-training-jobs").status_code == 401
    assert api(alice).post("/api/process-training-jobs").status_code == 403


def test_without_a_broker_a_cycle_says_so(api: Api, alice: User, operator: User, no_broker: None) -> None:
    factories.job(alice, Status.QUEUED)
    answer = api(operator).post("/api/process-training-jobs")
    assert answer.status_code == 503
    assert "Check REDIS_URL" in answer.json()["error"]["message"]
    with pytest.raises(CommandError, match="Check REDIS_URL"):
        call_command("process_training_jobs")


def test_the_shell_does_the_same(alice: User, queues: redis.Redis) -> None:
    factories.job(alice, Status.QUEUED)
    out = StringIO()
    call_command("process_training_jobs", stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["success"], answer["message"], answer["queued"]) == (True, "Job processing cycle complete", 1)


def test_creating_and_cancelling_start_their_tasks_at_once(
    api: Api, alice: User, queues: redis.Redis, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client, dataset = api(alice), factories.dataset(alice)
    body = {"dataset_id": str(dataset.pk), "gpu_config": {"type": "H100-80GB"}}
    with django_capture_on_commit_callbacks(execute=True):
        job = client.post("/api/jobs", body).json()["data"]["job"]
    assert _tasks(queues, "control") == [("jobs.submit_job", [job["id"]])]
    assert [name for name, _ in _tasks(queues, "deliver")] == ["notifications.deliver_events"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/api/jobs/{job['id']}/cancel")
    assert ("jobs.release_job", [job["id"]]) in _tasks(queues, "control")
    assert len(_tasks(queues, "deliver")) == 2
    at_cluster = factories.job(alice)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/api/jobs/{at_cluster.pk}/cancel")
    assert ("jobs.release_job", [str(at_cluster.pk)]) in _tasks(queues, "control")
    assert len(_tasks(queues, "deliver")) == 2  # nothing has ended yet


def test_creating_and_cancelling_work_without_a_broker(
    api: Api, alice: User, no_broker: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client, dataset = api(alice), factories.dataset(alice)
    body = {"dataset_id": str(dataset.pk), "gpu_config": {"type": "H100-80GB"}}
    with django_capture_on_commit_callbacks(execute=True):
        created = client.post("/api/jobs", body)
    with django_capture_on_commit_callbacks(execute=True):
        cancelled = client.post(f"/api/jobs/{created.json()['data']['job']['id']}/cancel")
    assert (created.status_code, cancelled.status_code) == (201, 200)


def test_staff_attach_the_job_that_the_cluster_does_run(api: Api, operator: User, unconfirmed: TrainingJob) -> None:
    answer = api(operator).post(f"/api/jobs/{unconfirmed.pk}/attach", {"external_job_id": "gpu-7"})
    job = answer.json()["data"]["job"]
    assert (job["status"], job["external_job_id"]) == ("initializing", "gpu-7")


def test_staff_declare_that_nothing_started(api: Api, operator: User, unconfirmed: TrainingJob) -> None:
    answer = api(operator).post(f"/api/jobs/{unconfirmed.pk}/declare-not-started")
    job = answer.json()["data"]["job"]
    assert (job["status"], job["current_stage"], job["waiting_for"]) == ("queued", "queued", "")


def test_only_an_unconfirmed_submission_can_be_settled(api: Api, alice: User, operator: User) -> None:
    job = factories.job(alice)
    assert api(operator).post(f"/api/jobs/{job.pk}/declare-not-started").status_code == 409
    assert api(operator).post(f"/api/jobs/{job.pk}/attach", {"external_job_id": "x"}).status_code == 409


def test_settling_is_for_staff_alone_even_on_ones_own_job(api: Api, alice: User, unconfirmed: TrainingJob) -> None:
    for path in ("attach", "declare-not-started"):
        answer = api(alice).post(f"/api/jobs/{unconfirmed.pk}/{path}", {"external_job_id": "x"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("seconds", "changes", "asks"),
    [(6, {}, True), (1, {}, False), (6, {"poll_failures": 1}, False), (6, {"status": Status.COMPLETED}, False)],
    ids=["seen long ago", "just seen", "a cluster that does not answer", "ended"],
)
def test_looking_at_a_job_has_its_cluster_asked(
    seconds: int,
    changes: dict[str, Any],
    asks: bool,
    api: Api,
    alice: User,
    queues: redis.Redis,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = factories.job(alice, Status.RUNNING, external_job_id="run-1")
    now = timezone.now()
    TrainingJob.objects.filter(pk=job.pk).update(updated_at=now - timedelta(seconds=seconds), **changes)
    with time_machine.travel(now, tick=False), django_capture_on_commit_callbacks(execute=True):
        assert api(alice).get(f"/api/jobs/{job.pk}").status_code == 200
    assert _tasks(queues, "poll") == ([("jobs.poll_jobs", [[str(job.pk)]])] if asks else [])


def _tasks(queues: redis.Redis, queue: str) -> list[tuple[str, Any]]:
    """Names and arguments of the waiting messages, oldest first."""
    messages = [json.loads(message) for message in reversed(queues.lrange(queue, 0, -1))]
    return [(message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0]) for message in messages]
