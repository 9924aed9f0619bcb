"""One of everything that a user can own, and what of it stands in addresses.

Whoever adds a route with an id of a new kind adds that object to `Belongings` and to OBJECTS: then the whole of
test_url_table tries it as somebody else.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from accounts import services as account_services
from accounts.models import ApiToken
from datasets.models import Dataset, DatasetCorrection, DatasetEvent, DatasetReport, DatasetStatus, ImportGrant
from jobs.models import JobLog, ModelArtifact, TrainingJob
from jobs.states import Status
from notifications.models import Delivery, DeliveryAttempt, Notification, Preference, WebhookEndpoint
from tests import factories

ADAPTER = b"adapter"


@dataclass(frozen=True)
class Belongings:
    """A user's rows. Each name and text begins with `mark`, so that it is found wherever it does not belong."""

    user: User
    mark: str
    datasets: tuple[Dataset, ...]
    jobs: tuple[TrainingJob, ...]
    artifact: ModelArtifact
    notification: Notification
    webhook: WebhookEndpoint
    delivery: Delivery
    token: ApiToken
    token_secret: str

    def traces(self) -> set[str]:
        """Texts that no answer to anybody else may hold."""
        rows = (*self.datasets, *self.jobs, self.notification, self.webhook)
        names = {self.mark, self.user.get_username(), self.token.token_key, str(self.delivery.message_id)}
        return names | {str(row.pk) for row in rows}


# Variable part of an address → what it may be for somebody's rows; a page that is found with one is enough.
OBJECTS: Mapping[str, Callable[[Belongings], list[str]]] = {
    "dataset_id": lambda theirs: [str(dataset.pk) for dataset in theirs.datasets],
    "job_id": lambda theirs: [str(job.pk) for job in theirs.jobs[:2]],
    "notification_id": lambda theirs: [str(theirs.notification.pk)],
    "webhook_id": lambda theirs: [str(theirs.webhook.pk)],
    "delivery_id": lambda theirs: [str(theirs.delivery.message_id)],
    "token_key": lambda theirs: [theirs.token.token_key],
}
# Variable parts that are no ids.
PLAIN: Mapping[str, str] = {"attempt": "1", "chart": "loss"}


def nowhere(converter: str) -> str:
    """An id of that kind that nothing has."""
    return {"uuid": str(uuid.uuid4()), "int": str(2**31 - 1)}.get(converter, uuid.uuid4().hex[:15])


def belongings(user: User, *, mark: str) -> Belongings:
    """One of everything: datasets in two states, jobs that run, wait and have ended with all that they leave."""
    ready = factories.dataset(user, name=f"{mark} chats", description=f"{mark} words")
    coming = factories.dataset(user, name=f"{mark} upload", status=DatasetStatus.UPLOADING, training_ready=False)
    for dataset in (ready, coming):
        DatasetEvent.objects.create(
            dataset=dataset, owner=user, kind="uploaded", message=f"{mark} file.", actor=f"user:{user.get_username()}"
        )
    finding = {"line": 1, "field": "", "error": f"{mark} error", "suggestion": "", "kind": mark, "excerpt": None}
    DatasetReport.objects.create(dataset=ready, owner=user, lines=1, warnings=[finding], warning_kinds={mark: 1})
    DatasetCorrection.objects.create(
        dataset=ready, owner=user, source_etag=ready.etag, storage_path=f"{user.pk}/x", status="failed", message=mark
    )
    ImportGrant.objects.create(user=user, prefix=f"{mark}-team/")
    running = factories.job(user, name=f"{mark} running", dataset=ready)
    ended = factories.job(user, Status.COMPLETED, name=f"{mark} ended", dataset=ready)
    ended.cost_records.update(recorded_at=timezone.now())  # among the days that reports look at unasked
    resumed = factories.job(
        user, name=f"{mark} resumed", dataset=ready, retry_of=ended, resume_from=factories.checkpoint(ended, 20)
    )
    file = {"path": "adapter.bin", "size": len(ADAPTER), "sha256": hashlib.sha256(ADAPTER).hexdigest()}
    artifact = factories.artifact(ended, name=f"{mark} adapter", files=[file])
    factories.points(ended, {1: {"training_loss": 2.5}, 2: {"training_loss": 1.5}})
    for job in (running, ended):
        JobLog.objects.create(job=job, owner=user, tail=f"{mark} line", total_lines=1)
    event = factories.event(running, message=f"{mark} happened.")
    notification = Notification.objects.create(
        owner=user, type="job", title=f"{mark} title", message=f"{mark} message", priority="low"
    )
    Delivery.objects.create(job_event=event, owner=user, channel="inapp", state="done", notification=notification)
    webhook = WebhookEndpoint.objects.create(
        owner=user,
        url=f"https://127.0.0.1/{mark}",  # a test of it calls nobody: the address is refused
        description=f"{mark} receiver",
        event_types=["job_failed"],
        secret_salt="salt",
    )
    delivery = Delivery.objects.create(
        job_event=event,
        owner=user,
        channel="webhook",
        endpoint=str(webhook.pk),
        webhook=webhook,
        state="failed",
        message_id=uuid.uuid4(),
        payload={"type": "job_failed", "data": {"title": f"{mark} title"}},
    )
    DeliveryAttempt.objects.create(delivery=delivery, owner=user, number=1, started_at=factories.NOW, answer=mark)
    Preference.objects.create(owner=user, type="job_completed", channel="email", enabled=False)
    token, secret = account_services.token_create(user=user, name=f"{mark} token")
    return Belongings(
        *(user, mark, (ready, coming), (running, ended, resumed), artifact, notification),
        *(webhook, delivery, token, secret),
    )
