"""What a cluster may ask of us about the attempt that it runs, and nobody about any other."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets.storage.base import ObjectStore
from jobs import callbacks, deliveries
from jobs.models import TrainingJob
from jobs.states import TERMINAL, Status
from tests import factories
from tests.jobs.conftest import MakeJob, UseNode, work_until

pytestmark = pytest.mark.django_db

Call = Callable[..., Any]
FILE = {"path": "adapter.bin", "size": 7, "sha256": "0" * 64}


def call(job: TrainingJob, door: str, body: Any = None, *, token: str | None = None, attempt: int = 1) -> Any:
    """An answer to the cluster that holds the token of this job's attempt, or another token."""
    client = APIClient(raise_request_exception=False)
    token = callbacks.token(job.pk, attempt) if token is None else token
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    url = f"/api/callback/{job.pk}/{attempt}/{door}"
    return client.get(url) if body is None else client.post(url, body, format="json")


@pytest.fixture
def job(alice: User, store: ObjectStore) -> TrainingJob:
    return factories.job(alice, Status.RUNNING)


# -- The token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "body"), [("uploads", {"files": [FILE]}), ("events", {"event_id": "1"}), ("dataset", None)]
)
def test_only_the_token_of_this_attempt_opens_the_door(door: str, body: Any, job: TrainingJob, bob: User) -> None:
    other = factories.job(bob, Status.RUNNING)
    wrong = ["", "x", "ü", callbacks.token(job.pk, 2), callbacks.token(other.pk, 1), callbacks.token(job.pk, 1)[:-1]]
    for token in wrong:
        assert call(job, door, body, token=token).status_code == 404
    assert call(job, door, body).status_code < 300


def test_an_attempt_that_is_over_is_not_listened_to(job: TrainingJob) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(attempt=2)
    assert call(job, "events", {"event_id": "1"}, attempt=1).status_code == 404


def test_a_users_token_opens_nothing_here(job: TrainingJob, alice: User, api: Callable[[User], APIClient]) -> None:
    answer = api(alice).post(f"/api/callback/{job.pk}/1/uploads", {"files": [FILE]}, format="json")
    assert answer.status_code == 404


def test_tokens_depend_on_job_attempt_and_secret(job: TrainingJob, settings: Any) -> None:
    token = callbacks.token(job.pk, 1)
    assert callbacks.is_genuine(job.pk, 1, token)
    settings.SECRET_KEY = "another" * 10
    assert not callbacks.is_genuine(job.pk, 1, token)


# -- Uploads ------------------------------------------------------------------------------------------------


def test_a_ticket_takes_exactly_one_file_below_the_attempts_folder(job: TrainingJob, store: ObjectStore) -> None:
    answer = call(job, "uploads", {"files": [FILE]})
    [ticket] = answer.json()
    assert (ticket["path"], ticket["method"]) == ("adapter.bin", "PUT")
    assert requests.put(ticket["url"], data=b"7 bytes", headers=ticket["headers"], timeout=60).ok
    assert store.head(bucket="lora-models", path=f"alice/{job.pk}/1/adapter.bin").size == 7
    assert not requests.put(ticket["url"], data=b"8 bytes!", headers=ticket["headers"], timeout=60).ok


@pytest.mark.parametrize(
    "path", ["../2/adapter.bin", "/etc/passwd", "a/../../b", "a//b", "a\\b", "", ".", "%2e%2e/x", "a\u202eb", "x" * 513]
)
def test_a_path_outside_of_the_folder_is_refused_by_name(path: str, job: TrainingJob) -> None:
    answer = call(job, "uploads", {"files": [{**FILE, "path": path}]})
    assert answer.status_code == 400
    assert "path" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "files",
    [
        [],
        [{**FILE, "path": f"{number}"} for number in range(deliveries.MAX_FILES + 1)],
        [{**FILE, "size": deliveries.MAX_FILE_BYTES + 1}],
        [{**FILE, "path": f"{number}", "size": deliveries.MAX_FILE_BYTES} for number in range(11)],
        [{**FILE, "size": -1}],
        [{**FILE, "sha256": "short"}],
        [{"path": "a"}],
    ],
    ids=["none", "too many", "too large", "too large in all", "negative", "hash", "incomplete"],
)
def test_counts_and_bytes_are_capped(files: list[Any], job: TrainingJob) -> None:
    assert call(job, "uploads", {"files": files}).status_code == 400


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_job_takes_no_more_files(status: Status, alice: User, store: ObjectStore) -> None:
    answer = call(factories.job(alice, status), "uploads", {"files": [FILE]})
    assert (answer.status_code, answer.json()["error"]["details"]) == (409, {"status": status.value})


# -- A fresh dataset URL, and hints -------------------------------------------------------------------------


def test_a_new_url_of_the_dataset_works(alice: User, queued: MakeJob) -> None:
    job = queued(alice)
    answer = call(job, "dataset").json()
    fetched = requests.get(answer["url"], timeout=60)
    assert (fetched.ok, len(fetched.content)) == (True, job.dataset.file_size)
    assert urlsplit(answer["url"]).query


def test_an_ended_job_gets_no_dataset(alice: User, store: ObjectStore) -> None:
    assert call(factories.job(alice, Status.FAILED), "dataset").status_code == 404


@pytest.mark.parametrize("status", [Status.RUNNING, Status.CANCELLING, Status.COMPLETED])
def test_a_hint_is_taken_and_changes_nothing_by_itself(status: Status, alice: User) -> None:
    job = factories.job(alice, status)
    assert call(job, "events", {"event_id": "1", "state": "completed"}).status_code == 204
    job.refresh_from_db()
    assert job.status == status
    assert job.events.count() == 2


def test_a_hint_that_cannot_be_read_is_refused(job: TrainingJob) -> None:
    assert call(job, "events", {"state": "completed"}).status_code == 400


# -- With a cluster that uses all of it ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_node_that_can_reach_us_brings_its_files_itself(
    alice: User, queued: MakeJob, use_node: UseNode, settings: Any, live_server: Any
) -> None:
    node = use_node(level=2)
    settings.PUBLIC_BASE_URL = live_server.url
    job = work_until(queued(alice), "completed", "failed")
    assert job.status == "completed", job.error_detail
    assert {file["url"] for file in node.artifacts(job)} == {None}
    assert {file["path"] for file in node.artifacts(job)} == {file["path"] for file in job.artifact.files}
