"""The story that logs tell, line by line, and no secret on any of them, nor in what users are shown."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from accounts.secrets_of_settings import redact
from jobs import callbacks, reconcile, services
from jobs.exceptions import JobConflict
from jobs.models import TrainingJob
from tests.contracts.wire import Request, reply
from tests.jobs.conftest import MakeJob, UseNode, at_cluster, due_and, work_until
from tests.jobs.scripted import KEY, ScriptedCluster

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("INFO"):
        yield


def test_operators_find_the_lines_they_search_for(
    use_node: UseNode, queued: MakeJob, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    use_node(level=2)
    job = queued(alice)
    reconcile.select(job.queued_at)
    job = work_until(job, "completed")
    reconcile.select(job.queued_at)
    short = str(job.pk)[:8]
    for line in (
        r"Starting job processing cycle",
        r"Processing 1 queued jobs",
        rf"Generated signed URL for job {short} from bucket: training-files",
        rf"Job {short} submitted to GPU cluster: {job.external_job_id}",
        r"Updating 0 running jobs",
        rf"Updated job {short}: running - \d+\.\d%",
    ):
        assert any(re.fullmatch(line, message) for message in caplog.messages), line


def test_a_poll_logs_status_and_percent(
    alice: User, scripted: ScriptedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    job = at_cluster(alice)
    scripted.says("run-1", progress=5.2)
    reconcile.poll([job.pk])
    assert f"Updated job {job.short_id}: running - 5.2%" in caplog.messages


def shown(job: TrainingJob) -> str:
    """All that a user sees of a job's trouble."""
    told = [job.waiting_for, job.error_message, job.error_detail, json.dumps(job.warnings)]
    return "\n".join([*told, *(f"{event.message} {event.detail}" for event in job.events.all())])


@pytest.mark.parametrize("status", [400, 401, 422, 429, 500])
def test_a_cluster_that_repeats_our_secrets_does_not_spread_them(
    status: int,
    queued: MakeJob,
    alice: User,
    scripted: ScriptedCluster,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scripted.features = ["idempotent_submit"]
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:9"
    job = queued(alice)

    def echo(connection: Any, request: Request) -> None:
        said = f"bad order {request.body.decode()} by {request.headers['authorization']}"
        reply(status, {"title": "No", "detail": said, "code": "no"})(connection, request)

    scripted.scripts["/training/submit"] = echo
    job = due_and(job, reconcile.submit)
    secrets = [KEY, callbacks.token(job.pk, 1), "X-Amz-Signature=", settings.S3_SECRET_ACCESS_KEY]
    logged = "\n".join(redact(message) for message in caplog.messages)
    for secret in secrets:
        assert secret not in shown(job)
        assert secret not in logged.replace("X-Amz-Signature=[redacted]", "")


def test_nor_does_one_that_puts_them_into_a_jobs_error(
    alice: User, scripted: ScriptedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    job = at_cluster(alice)
    url = "https://s3.example/lora/chat.jsonl?X-Amz-Credential=abc&X-Amz-Signature=0123456789abcdef"
    scripted.says("run-1", "failed", error_message=f"403 for {url}", stage=url)
    reconcile.poll([job.pk])
    job.refresh_from_db()
    assert job.status == "failed"
    assert "0123456789abcdef" not in shown(job) + caplog.text


def test_a_whole_road_leaves_no_secret_in_logs_and_events(
    use_node: UseNode, queued: MakeJob, alice: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    node = use_node(level=2)
    job = work_until(queued(alice), "completed")
    with pytest.raises(JobConflict):
        services.job_cancel(user=alice, job_id=job.pk)
    reconcile.archive(job.pk)
    for secret in (node.api_key, settings.S3_SECRET_ACCESS_KEY, "X-Amz-Signature", callbacks.token(job.pk, 1)):
        assert secret not in caplog.text
        assert secret not in shown(job)
