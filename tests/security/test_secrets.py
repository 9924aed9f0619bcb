"""No secret is told to whom it does not concern: not in a log, a message, a row, an answer, a page or the admin."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
import requests
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from datasets import reconcile as dataset_work
from jobs import callbacks, reconcile, services
from jobs.models import TrainingJob
from tests.contracts.wire import Request, reply
from tests.datasets.files import chat_file
from tests.jobs.conftest import (
    MakeJob,
    UseNode,
    due_now,
    imported,
    nodes,
    polled,
    put_object,
    queued,
    scripted,
    store,
    submitted,
    use_node,
    validated,
    work_until,
)
from tests.jobs.scripted import KEY, ScriptedCluster
from tests.security import ears

__all__ = ["imported", "nodes", "put_object", "queued", "scripted", "store", "use_node", "validated"]

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def whole_log() -> Iterator[Any]:
    with ears.log_of_everything() as heard:
        yield heard


class Secrets:
    """What nobody may read, by what it is."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {
            "SECRET_KEY": configured.SECRET_KEY,
            "S3_SECRET_ACCESS_KEY": configured.S3_SECRET_ACCESS_KEY or "",
            "GPU_CLUSTER_API_KEY": configured.GPU_CLUSTERS["default"]["KEY"],
        }

    def add(self, what: str, secret: str) -> str:
        self.known[what] = secret
        return secret

    def found_in(self, text: str, *, signed: bool = False) -> list[str]:
        """Which of them stand in `text`; signatures of URLs too, unless they are `signed` for this reader."""
        found = [what for what, secret in self.known.items() if secret and secret in text]
        return found + ([] if signed else [hit[:24] for hit in ears.SIGNATURE.findall(text)])


def assert_kept(secrets: Secrets, places: Iterable[tuple[str, str]], *, signed: Iterable[str] = ()) -> None:
    """No secret in any of the places; signed URLs only in those that end as one of `signed` does."""
    told = {
        place: hits for place, text in places if (hits := secrets.found_in(text, signed=place.endswith(tuple(signed))))
    }
    assert told == {}


def logged_in(user: User, password: str) -> Client:
    client = Client()
    assert client.post("/login", {"username": user.get_username(), "password": password}).status_code == 302
    return client


def ids(job: TrainingJob) -> Mapping[str, Iterable[object]]:
    return {"job_id": [job.pk], "dataset_id": [job.dataset_id], "token_key": ["lora_0123456789"]}


def test_a_whole_journey_tells_no_secret(
    alice: User,
    bob: User,
    operator: User,
    broker: str,
    use_node: UseNode,
    store: Any,
    settings: Any,
    live_server: Any,
    whole_log: Any,
) -> None:
    node = use_node(level=2)
    settings.PUBLIC_BASE_URL = live_server.url
    secrets = Secrets()
    browser = logged_in(alice, "alice-password")
    secrets.add("session", browser.cookies["sessionid"].value)
    made = browser.post("/api/tokens", {"name": "script"}, "application/json").json()["data"]
    secrets.add("API token", made["secret"])
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {made['secret']}")
    hook = program.post("/api/webhooks", {"url": "https://example.com/hook", "event_types": ["job_failed"]}).json()[
        "data"
    ]
    secrets.add("webhook", hook["secret"])
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION=f"Bearer {secrets.add('wrong token', 'lora_' + 'ab' * 32)}")
    assert wrong.get("/api/jobs").status_code == 401

    file = chat_file()
    announced = program.post("/api/datasets", {"name": "x", "file_name": "x.jsonl", "file_size": len(file)}).json()[
        "data"
    ]
    ticket, dataset_id = announced["upload"], announced["dataset"]["id"]
    assert ears.SIGNATURE.search(ticket["url"])
    put_by_ticket(ticket, file)
    assert program.post(f"/api/datasets/{dataset_id}/complete").status_code == 200
    dataset_work.dataset_validate(dataset_id=dataset_id)
    order = {"dataset_id": dataset_id, "gpu_config": {"type": "H100-80GB", "count": 1}, "preset_id": "recommended"}
    job = TrainingJob.objects.get(pk=program.post("/api/jobs", order).json()["data"]["job"]["id"])
    stopped = TrainingJob.objects.get(pk=program.post("/api/jobs", order).json()["data"]["job"]["id"])
    for each in (job, stopped):
        secrets.add(f"callback token {each.short_id}", callbacks.token(each.pk, 1))
    work_until(stopped, "running", "initializing", "completed")
    program.post(f"/api/jobs/{stopped.pk}/cancel", {})
    work_until(stopped, "cancelled", "completed")
    job = work_until(job, "completed", "failed")
    assert job.status == "completed", job.error_detail
    reconcile.archive(job.pk)
    assert node.artifacts(job)

    assert_kept(secrets, [("log", whole_log.getvalue()), ("broker", ears.messages(broker))])
    assert_kept(secrets, ears.stored())
    mine = {**ids(job), "job_id": [job.pk, stopped.pk], "webhook_id": [hook["webhook"]["id"]]}
    assert_kept(secrets, ears.answers(alice, mine), signed=("/artifact", "/logs"))
    for other in (bob, operator):
        assert_kept(secrets, ears.answers(other, mine))


def put_by_ticket(ticket: Mapping[str, Any], body: bytes) -> None:
    assert requests.request(ticket["method"], ticket["url"], data=body, headers=ticket["headers"], timeout=60).ok


def echoing(order: Mapping[str, Any], request: Request) -> str:
    """All that a cluster was ever given, in one line, as careless programs write it."""
    url, token = order["dataset"]["url"], order["callback_token"]
    return (
        f"GET {url} with {request.headers['authorization']} key={KEY} {{'callback_token': '{token}'}} "
        f"?{url.partition('?')[2]} {json.dumps(order)}"
    )


@pytest.mark.parametrize("ends", ["failed", "completed", "cancelled"])
def test_a_cluster_that_repeats_everything_it_was_given_spreads_nothing(
    ends: str,
    alice: User,
    bob: User,
    operator: User,
    broker: str,
    queued: MakeJob,
    scripted: ScriptedCluster,
    settings: Any,
    whole_log: Any,
) -> None:
    scripted.features = ["idempotent_submit", "async_cancel", "logs_cursor", "metrics_cursor", "artifacts", "heartbeat"]
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:9"
    secrets = Secrets()
    job = queued(alice)
    secrets.add("callback token", callbacks.token(job.pk, 1))
    job = submitted(job)
    order = scripted.submits()[0]
    secrets.add("signature", order["dataset"]["url"].partition("X-Amz-Signature=")[2][:64])
    said = echoing(order, scripted.asked("/training/submit")[0])
    spoken = {
        "stage": said[:200], "stage_detail": said, "error_message": said, "error_code": said[:60], "eta_seconds": said,
        "metrics": {said[:60]: 1.0, "training_loss": said}, "transitions": [{"state": "x", "reason": said}],
        "model_files": {said: said},
    }  # fmt: skip
    scripted.scripts["/training/logs"] = reply(200, {"lines": [said, {"line": said}], "next": 2, "has_more": False})
    scripted.scripts["/training/artifacts"] = reply(
        200, {"files": [{"path": said[:400], "url": said}], "checkpoints": []}
    )
    scripted.scripts["/training/metrics"] = reply(200, {"points": [], "next": 0, "has_more": False})
    external = job.external_job_id
    scripted.says(external, "running", **spoken)
    job = polled(job)
    scripted.says(external, said[:80], **spoken)
    due_now(job)
    polled(job)
    reconcile.pull(job.pk)
    scripted.scripts["/training/cancel"] = reply(500, {"title": said, "detail": said, "code": said[:50]})
    if ends == "cancelled":
        services.job_cancel(user=alice, job_id=job.pk)
        due_now(job)
        reconcile.release(job.pk)
    scripted.says(external, ends, **spoken)
    due_now(job)
    job = polled(job)
    reconcile.collect(job.pk)
    reconcile.archive(job.pk)
    scripted.features = [said]
    reconcile.refresh_all()

    assert_kept(secrets, [("log", whole_log.getvalue()), ("broker", ears.messages(broker))])
    assert_kept(secrets, ears.stored())
    for reader in (alice, bob, operator):
        assert_kept(secrets, ears.answers(reader, ids(job)), signed=("/logs",))
    assert "callback_[redacted]" in "\n".join(text for _, text in ears.stored())  # it was heard
