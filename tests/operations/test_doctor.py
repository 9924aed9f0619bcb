"""`manage.py doctor` on an installation that works, and on one where nothing does."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from jobs.models import CycleRun
from tests.contracts.wire import Wire, reply
from tests.servers import TestBuckets


def doctor(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def findings() -> dict[str, dict[str, Any]]:
    _, text = doctor("--json")
    return {finding["name"]: finding for finding in json.loads(text)["findings"]}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_installation_that_works_has_no_fault(everything_answers: None) -> None:
    CycleRun.objects.create(started_at=timezone.now())
    code, text = doctor()
    assert code == 0, text
    assert "All is well." in text
    assert "FAULT" not in text
    for name in ("database", "migrations", "broker", "workers", "last cycle", "cluster default", "clock of storage"):
        assert f"ok     {name}" in text
    for bucket in ("lora-datasets", "training-files", "lora-models"):
        assert f"ok     signing {bucket}" in text
    assert "H100-80GB" in text
    assert "simulated" in text


def test_where_nothing_answers_each_fault_says_what_to_do(db: None, nothing_answers: None) -> None:
    code, text = doctor()
    assert code == 1
    for variable in ("REDIS_URL", "GPU_CLUSTER_API_URL", "S3_ENDPOINT_URL", "PUBLIC_BASE_URL"):
        assert variable in text
    faults = [line for line in text.splitlines() if line.startswith("FAULT")]
    advice = [line for line in text.splitlines() if "→ " in line]
    assert len(faults) == len(advice) >= 7
    assert "to mend: last cycle, broker, cluster default" in text


def test_no_secret_is_printed(db: None, nothing_answers: None) -> None:
    for text in (doctor()[1], doctor("--json")[1]):
        for secret in ("broker-password", "storage-secret", "cluster-secret"):
            assert secret not in text


def test_programs_get_json_and_the_same_exit_code(db: None, nothing_answers: None) -> None:
    code, text = doctor("--json")
    report = json.loads(text)
    assert (code, report["ok"]) == (1, False)
    assert set(report["findings"][0]) == {"name", "ok", "message", "advice"}


def test_a_missing_migration_is_told_with_the_command(db: None, nothing_answers: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="notifications").delete()
    assert findings()["migrations"]["advice"] == "Run `python manage.py migrate`."


def test_queues_that_nobody_serves_are_named(db: None, nothing_answers: None, broker_url: str, settings: Any) -> None:
    settings.CELERY_BROKER_URL = broker_url
    workers = findings()["workers"]
    assert not workers["ok"]
    assert "-Q control,data,deliver,poll" in workers["advice"]


def test_a_wrong_key_of_the_cluster_is_told(db: None, nothing_answers: None, gpu_node: Any, settings: Any) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": gpu_node().url, "KEY": "wrong"}}
    cluster = findings()["cluster default"]
    assert not cluster["ok"]
    assert "GPU_CLUSTER_API_KEY" in cluster["advice"]


def test_clocks_that_disagree_are_told(db: None, nothing_answers: None, s3_server: TestBuckets, settings: Any) -> None:
    settings.S3_ENDPOINT_URL = s3_server.server.endpoint_url
    assert findings()["clock of storage"]["ok"]
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        clock = findings()["clock of storage"]
    assert not clock["ok"]
    assert "NTP" in clock["advice"]


def test_an_address_that_leads_to_somebody_else_is_told(
    db: None, nothing_answers: None, s3_server: TestBuckets, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = s3_server.server.endpoint_url
    assert not findings()["public address"]["ok"]
    settings.PUBLIC_BASE_URL = None
    assert findings()["public address"]["ok"]


def test_a_date_beyond_all_calendars_is_no_time(db: None, nothing_answers: None, settings: Any) -> None:
    wire = Wire(reply(200, "", Date=f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"))
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": wire.url, "KEY": "key"}}
    try:
        assert findings()["clock of cluster default"]["message"] == "tells no time"
    finally:
        wire.close()
