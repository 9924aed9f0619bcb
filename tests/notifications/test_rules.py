"""Which event tells its owner what."""

import pytest

from jobs.sentinel import Kind
from notifications.kinds import KINDS
from notifications.rules import WATCHED, Notice, alert_notice, dataset_notice, job_notice


def notice(kind: str, to_status: str = "", name: str = "support bot", **more: object) -> Notice | None:
    detail: dict[str, object] = {}
    given: dict[str, object] = {"detail": detail, "message": "What happened.", **more}
    return job_notice(job_id="7", name=name, kind=kind, to_status=to_status, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to_status", "type_", "priority"),
    [
        ("queued", "job_queued", "low"),
        ("running", "job_started", "medium"),
        ("completed", "job_completed", "high"),
        ("failed", "job_failed", "high"),
        ("cancelled", "job_cancelled", "medium"),
    ],
)
def test_a_status_that_matters_is_told(to_status: str, type_: str, priority: str) -> None:
    told = notice("status", to_status)
    assert told is not None
    assert (told.type, told.priority, told.action_url) == (type_, priority, "/training/jobs/7")
    assert "support bot" in told.title
    assert told.message == "What happened."


@pytest.mark.parametrize(
    ("kind", "to_status"),
    [("status", "initializing"), ("status", "cancelling"), ("stage", ""), ("submission", ""), ("cost", "")],
)
def test_what_only_belongs_into_the_timeline_is_not(kind: str, to_status: str) -> None:
    assert notice(kind, to_status) is None


def test_the_next_attempt_of_a_job_is_told_as_that() -> None:
    told = notice("status", "queued", detail={"code": "node_lost", "attempt": 2, "step": 40})
    assert told is not None
    assert (told.type, told.title) == ("job_queued", "Training job “support bot” is started again")


def test_a_failure_says_why_and_what_to_do() -> None:
    told = notice("status", "failed", reason="CUDA out of memory", advice="Lower the batch size.")
    assert told is not None
    assert told.message == "CUDA out of memory. Lower the batch size."


def test_a_job_that_its_user_did_not_stop_says_what_to_do() -> None:
    told = notice("status", "cancelled", message="Its budget is used.", advice="Resume it with a higher budget.")
    assert told is not None
    assert told.message == "Its budget is used. Resume it with a higher budget."


def test_advice_that_is_the_reason_is_said_once() -> None:
    told = notice("status", "failed", reason="Retry the job.", advice="Retry the job.")
    assert told is not None
    assert told.message == "Retry the job."


def test_a_ready_artifact_is_told_and_one_on_its_way_is_not() -> None:
    ready = notice("artifact", detail={"state": "ready"})
    assert ready is not None
    assert (ready.type, ready.priority) == ("artifact_ready", "high")
    assert notice("artifact", detail={"state": "collecting"}) is None


def test_every_finding_of_the_sentinel_is_told() -> None:
    assert {f"sentinel_{kind}" for kind in Kind} < set(WATCHED)


def test_the_longest_name_and_reason_fit_their_columns() -> None:
    told = notice("status", "failed", name="n" * 200, reason="r" * 500, advice="a" * 900)
    assert told is not None
    assert len(told.title) <= 200
    assert len(told.message) <= 1000


@pytest.mark.parametrize(
    ("kind", "type_", "priority"), [("ready", "dataset_ready", "medium"), ("error", "dataset_error", "high")]
)
def test_the_end_of_a_validation_is_told(kind: str, type_: str, priority: str) -> None:
    told = dataset_notice(dataset_id="7", name="chats", kind=kind, message="What happened.")
    assert told == Notice(type_, told.title if told else "", "What happened.", priority, "/datasets/7")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["uploaded", "imported", "deleted"])
def test_what_the_user_did_to_a_dataset_is_not_told_back(kind: str) -> None:
    assert dataset_notice(dataset_id="7", name="chats", kind=kind, message="") is None


@pytest.mark.parametrize("code", WATCHED)
def test_what_watching_a_run_finds_is_told_and_can_be_chosen(code: str) -> None:
    told = notice("warning", detail={"code": code})
    assert told is not None
    assert told.type in KINDS
    assert "support bot" in told.title
    assert told.message == "What happened."


def test_a_warning_that_is_no_finding_stays_in_the_timeline() -> None:
    assert notice("warning", detail={"code": "unknown_state"}) is None


def test_a_finding_that_stops_the_job_says_so() -> None:
    told = notice("warning", detail={"code": "sentinel_nan", "stops": True})
    assert told is not None
    assert "being stopped" in told.message


@pytest.mark.parametrize("kind", ["cluster_closed", "orphan_found", "something_new"])
def test_an_alert_is_told_with_its_subject(kind: str) -> None:
    told = alert_notice(alert_id=7, kind=kind, subject="default", message="Look at it.")
    assert (told.type, told.priority, told.action_url) == ("alert", "high", "/admin/jobs/alert/7/change/")
    assert told.title.endswith(": default")


def test_each_type_that_rules_make_can_be_chosen() -> None:
    for status in ("queued", "running", "completed", "failed", "cancelled"):
        told = notice("status", status)
        assert told is not None
        assert told.type in KINDS
