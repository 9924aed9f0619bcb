"""Rows to measure with: a user, a dataset whose file is in storage, jobs, points. Import after django.setup()."""

import io
import json
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.services import token_create
from datasets import reconcile, services
from datasets.models import Dataset
from datasets.storage import open_store
from jobs import metrics
from jobs.clusters.base import Point
from jobs.models import TrainingJob
from jobs.services import job_create

GPU = {"type": "H100-80GB", "count": 1}


def user() -> tuple[User, str]:
    """alice and a token of hers."""
    alice = User.objects.get(username="alice")
    return alice, token_create(user=alice, name="benchmark")[1]


def dataset(owner: User, examples: int = 200) -> Dataset:
    """A validated chat dataset in training-files."""
    lines = (
        {"messages": [{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"{n}, as asked."}]}
        for n in range(examples)
    )
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path = f"{owner.get_username()}/benchmark-{uuid.uuid4().hex[:8]}.jsonl"
    open_store().put(bucket="training-files", path=path, body=io.BytesIO(body))
    made = services.dataset_import(owner=owner, path=path)
    reconcile.dataset_validate(dataset_id=made.pk)
    made.refresh_from_db()
    return made


def jobs(owner: User, on: Dataset, count: int) -> Sequence[TrainingJob]:
    """`count` queued jobs; nobody is nudged."""
    return [
        job_create(owner=owner, dataset_id=on.pk, preset_id="recommended", gpu_config=GPU, hyperparameters={})[0]
        for _ in range(count)
    ]


def points(job: TrainingJob, count: int, *, first: int = 1) -> None:
    """`count` points of six values each, stored as polls store them, a thousand at a time."""
    start = timezone.now()
    for chunk in range(first, first + count, 1000):
        page = [
            Point(
                step=step,
                epoch=step / 1000,
                at=start + timedelta(seconds=step),
                values={
                    "training_loss": 2.0 / (1 + step / 5000) + (step % 7) * 0.01,
                    "learning_rate": 2e-4,
                    "gradient_norm": 1.0,
                    "throughput": 5000.0 + step % 100,
                    "gpu_utilization": 90.0 + step % 10,
                    "validation_loss": 2.1 / (1 + step / 5000) if step % 100 == 0 else None,
                },
            )
            for step in range(chunk, min(chunk + 1000, first + count))
        ]
        metrics.store([metrics.Page(job, job.attempt, page)], now=start)
    job.save(update_fields=metrics.METRICS_FIELDS)
