"""The bundle for who helps with a job: it has what they need, and nothing that opens a door."""

import csv
import json
import secrets
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.models import Cluster, JobAttempt, JobLog, TrainingJob
from jobs.states import Status
from tests import factories

Api = Callable[[User], APIClient]


def bundle(api: Api, job: TrainingJob) -> dict[str, str]:
    """File name → text."""
    answer = api(job.owner).get(f"/api/jobs/{job.pk}/diagnostics")
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.short_id}-diagnostics.zip"'
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        folder = f"job-{job.short_id}-diagnostics/"
        return {name.removeprefix(folder): archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def failed(alice: User) -> TrainingJob:
    job = factories.job(alice, Status.FAILED, error_detail="allocating 2 GiB")
    factories.points(job, {step: {"training_loss": 3 / step} for step in range(1, 1202)})
    JobLog.objects.create(job=job, owner=alice, tail="Step 1\nStep 2", total_lines=2)
    Cluster.objects.create(name="default", level=2, features=["heartbeat"], last_error="it was silent")
    return job


def test_it_holds_what_there_is_to_know(api: Api, failed: TrainingJob) -> None:
    files = bundle(api, failed)
    assert set(files) == {
        *("README.txt", "job.json", "configuration.json", "events.json", "attempts.json"),
        *("log.txt", "metrics.csv", "versions.json"),
    }
    assert json.loads(files["job.json"])["error"]["detail"] == "allocating 2 GiB"
    assert json.loads(files["configuration.json"])["request"]["preset_id"] == "recommended"
    assert [event["to_status"] for event in json.loads(files["events.json"])] == ["queued", "failed"]
    assert json.loads(files["attempts.json"])[0]["number"] == 1
    assert files["log.txt"] == "Step 1\nStep 2\n"
    assert json.loads(files["versions.json"])["cluster"]["last_error"] == "it was silent"


def test_the_last_points_are_in_it_in_order(api: Api, failed: TrainingJob) -> None:
    rows = list(csv.DictReader(StringIO(bundle(api, failed)["metrics.csv"])))
    assert [int(row["step"]) for row in rows] == list(range(202, 1202))


def test_a_job_that_never_ran_has_one_as_well(api: Api, alice: User) -> None:
    files = bundle(api, factories.job(alice, Status.QUEUED))
    assert files["log.txt"] == ""
    assert json.loads(files["attempts.json"]) == []


PLANTED: dict[str, str] = {
    "signed URL": "GET http://s3/b/x.jsonl?X-Amz-Credential=AKIA{0}&X-Amz-Signature={0}",
    "old signature": "GET http://s3/b/x.jsonl?AWSAccessKeyId=AKIA&Signature={0}&Expires=1",
    "API token": "Authorization: Bearer lora_{0}",
    "callback token": "callback_token callback_{0}",
    "key in JSON": '{{"api_key": "{0}", "other": 1}}',
    "password in a URL": "redis://:{0}@broker:6379/0",
    "environment": "AWS_SECRET_ACCESS_KEY={0}",
    "token in the environment": "HF_TOKEN={0}",
    "token of a hub": "logging in with hf_{0}",
    "repr": "Config(token='{0}', region='eu')",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_no_secret_that_somebody_wrote_anywhere_is_in_it(api: Api, alice: User, planted: str) -> None:
    secret = secrets.token_hex(32)
    line = PLANTED[planted].format(secret)
    job = factories.job(alice, Status.FAILED, error_message=line, error_detail=line, warnings=[_warning(line)])
    JobLog.objects.create(job=job, owner=alice, tail=f"Step 1\n{line}\nStep 2", total_lines=3)
    JobAttempt.objects.filter(job=job).update(end_reason=line[:200], request={"said": line})
    factories.event(job, message=line, detail={"said": line})
    Cluster.objects.create(name="default", last_error=line)
    files = bundle(api, job)
    assert {name for name, text in files.items() if secret in text} == set()
    assert "[redacted]" in files["log.txt"]
    assert files["log.txt"].endswith("Step 2\n")


def _warning(line: str) -> dict[str, Any]:
    return {"code": "odd", "message": line}


def test_it_is_nobody_else_s(api: Api, failed: TrainingJob, bob: User) -> None:
    assert api(bob).get(f"/api/jobs/{failed.pk}/diagnostics").status_code == 404
