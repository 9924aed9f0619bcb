"""/health and /ready: what a load balancer asks."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from datasets.storage.diagnose import Finding
from jobs.models import CycleRun
from lora_pipeline import cycle, diagnosis
from lora_pipeline.devstack import ports
from tests.operations.conftest import LONG_AGO


def test_health_asks_nobody(client: Client) -> None:
    # Without the fixture `db` any query would fail the test.
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_all_that_is_needed_works(client: Client, cycled: None, broker_url: str, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker_url
    answer = client.get("/ready")
    assert answer.json()["status"] == "ready"
    assert set(answer.json()["checks"]) == {"database", "migrations", "last cycle", "broker"}
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_not_ready_without_the_broker_and_no_password_is_shown(
    client: Client, cycled: None, nothing_answers: None
) -> None:
    answer = client.get("/ready")
    assert answer.status_code == 503
    broker = answer.json()["checks"]["broker"]
    assert not broker["ok"]
    assert "REDIS_URL" in broker["advice"]
    assert "broker-password" not in answer.content.decode()


@pytest.mark.parametrize(("age_s", "ok"), [(0, True), (119, True), (121, False)])
def test_a_cycle_is_late_after_three_intervals_and_half_a_minute(age_s: int, ok: bool, db: None) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        CycleRun.objects.create(started_at=timezone.now() - timedelta(seconds=age_s))
        finding = last_cycle()
    assert finding.ok is ok
    assert ("beat" in finding.advice) is not ok


def test_the_interval_that_the_admin_set_counts(db: None) -> None:
    schedule = PeriodicTask.objects.select_related("interval").get(task="jobs.process_training_jobs")
    schedule.interval.every = 600
    schedule.interval.save()
    CycleRun.objects.create(started_at=timezone.now() - timedelta(seconds=1500))
    assert last_cycle().ok


def test_a_cycle_that_is_switched_off_is_told(cycled: None) -> None:
    PeriodicTask.objects.filter(task="jobs.process_training_jobs").update(enabled=False)
    finding = last_cycle()
    assert (finding.ok, finding.message) == (False, "switched off")


def test_just_started_a_first_cycle_is_awaited(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle, "_process_started", timezone.now())
    assert last_cycle().message == "starting"
    monkeypatch.setattr(cycle, "_process_started", LONG_AGO)
    finding = last_cycle()
    assert (finding.ok, finding.message) == (False, "none has run yet")


def last_cycle() -> Finding:
    return {finding.name: finding for finding in diagnosis.readiness()}["last cycle"]


def test_the_broker_check_gives_up_soon(db: None, settings: Any) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{ports.free()}/0"
    assert not {finding.name: finding for finding in diagnosis.readiness()}["broker"].ok
