"""Running jobs that a benchmark seeds: to whoever polls them they are as good as submitted ones."""

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks import copies
from jobs import reconcile
from jobs.models import JobAttempt, MetricsPoint, TrainingJob
from lora_pipeline.devstack import node, ports, programs
from notifications.dispatch import dispatch_pending
from tests.jobs.conftest import MakeJob

pytestmark = pytest.mark.django_db

TRAINS_FOR_HOURS: dict[str, Any] = {"epochs": 50, "batch_size": 1}


def test_copies_of_a_submitted_job_are_polled_like_any_other(
    queued: MakeJob, alice: User, settings: Any, tmp_path: Path
) -> None:
    port, key = ports.free(), secrets.token_hex(16)
    program = node.program(port=port, folder=tmp_path, api_key=key, gpus=("H100-80GB:1000",), level=2, speed=0.02)
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": node.url(port), "KEY": key}}
    settings.PUBLIC_BASE_URL = None
    store = tmp_path / "node.sqlite3"
    with ExitStack() as until_stopped:
        until_stopped.enter_context(programs.running(program, tmp_path / "log"))
        for _ in range(2):
            reconcile.submit(queued(alice, hyperparameters=TRAINS_FOR_HOURS).pk)
        while not copies.have_begun(store):
            pass
    more = copies.planned(list(JobAttempt.objects.order_by("pk")), 18)
    copies.add_to_node(store, more)
    with programs.running(program, tmp_path / "log"):
        reconcile.poll([job.pk for job in TrainingJob.objects.all()])
        dispatch_pending()
        copies.add_to_rows(more)
        assert dispatch_pending() == 0, "what happened to the originals is not told again"
        since = timezone.now()
        TrainingJob.objects.update(next_poll_at=since)
        reconcile.poll([job.pk for job in TrainingJob.objects.all()])
    jobs = list(TrainingJob.objects.all())
    assert len({job.external_job_id for job in jobs}) == 20
    assert {(job.status, job.current_stage, job.waiting_for) for job in jobs} == {("running", "training", "")}
    for job in jobs:
        attempt = job.attempts.get()
        assert (attempt.external_job_id, attempt.submission_key) == (job.external_job_id, f"{job.pk}:1")
        assert attempt.last_seen_at is not None
        assert attempt.last_seen_at >= since
        assert job.current_step >= copies.STEPS
        assert job.metrics_count == MetricsPoint.objects.filter(job=job).count() > 0
        assert [event.to_status for event in job.events.filter(kind="status")] == ["queued", "initializing", "running"]
