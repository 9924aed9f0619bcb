"""Rows of every kind that belong to one user, for requests that must find something."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from accounts import services as accounts
from datasets import services as datasets
from datasets.models import DatasetStatus
from datasets.storage.base import ObjectStore
from jobs.models import BaseModel, CycleRun, GpuPrice, JobLog
from jobs.states import Status
from notifications.models import Notification
from tests import factories
from tests.datasets.files import chat_file

FILE = b"weights of an adapter"


@dataclass(frozen=True)
class Rows:
    """What a request may name: ids by the name of the path parameter or body member that holds one."""

    by_name: Mapping[str, Sequence[str]]

    def known(self, name: str, given: object) -> Any:
        """One of the rows in place of a well-formed id, chosen by it; now and then, and else, `given` itself."""
        rows = self.by_name.get(name, ())
        try:
            choice = int(uuid.UUID(str(given)))
        except ValueError:
            choice = int.from_bytes(hashlib.sha256(repr(given).encode("utf-8", "replace")).digest()[:4], "big")
            if not rows or name.endswith("_id"):
                return given
        return [*rows, given][choice % (len(rows) + 1)]


def make(owner: User, store: ObjectStore) -> Rows:
    """Jobs in every status with all that belongs to them, datasets in every status, tokens, notices, prices."""
    ready = factories.dataset(owner, sha256="0" * 64)
    jobs = [factories.job(owner, status, dataset=ready) for status in Status]
    done = next(job for job in jobs if job.status == Status.COMPLETED)
    factories.points(done, {step: {"training_loss": 2.0 / step, "epoch": step / 10} for step in range(1, 30)})
    factories.checkpoint(done, 10, validation_loss=1.0)
    stored = {"path": "adapter_model.safetensors", "size": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}
    artifact = factories.artifact(done, files=[stored])
    store.put(bucket="lora-models", path=artifact.storage_prefix + str(stored["path"]), body=BytesIO(FILE))
    JobLog.objects.create(job=done, owner=owner, tail="step 1\nstep 2", total_lines=2)
    store.put(bucket="training-files", path=f"{owner.get_username()}/chat.jsonl", body=BytesIO(chat_file()))
    announced, _ = datasets.dataset_create_upload(owner=owner, name="New", file_name="new.jsonl", file_size=5)
    store.put(bucket="lora-datasets", path=announced.storage_path, body=BytesIO(b"12345"))
    data = [
        announced,
        datasets.dataset_import(owner=owner, path=f"{owner.get_username()}/chat.jsonl"),
        ready,
        factories.dataset(owner, status=DatasetStatus.ERROR, training_ready=False),
    ]
    notice = Notification.objects.create(
        owner=owner, type="job_completed", title="Done", message="It is.", priority="low"
    )
    token, _ = accounts.token_create(user=owner, name="script", expires_in=timedelta(days=1))
    GpuPrice.objects.get_or_create(gpu_type="H100-80GB", defaults={"price_per_hour": "4.20"})
    CycleRun.objects.get_or_create(singleton=True, defaults={"started_at": timezone.now()})
    return Rows(
        {
            "job_id": [str(job.pk) for job in jobs],
            "dataset_id": [str(row.pk) for row in data],
            "validation_dataset_id": [str(data[-2].pk)],
            "notification_id": [str(notice.pk)],
            "token_key": [token.token_key],
            "preset_id": ["recommended"],
            "base_model": [BaseModel.objects.get(is_default=True).name, ""],
            "type": ["H100-80GB"],
            "path": [f"{owner.get_username()}/chat.jsonl"],
            "resume_from": ["latest", "best"],
        }
    )
