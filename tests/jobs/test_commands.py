"""What operators see in a shell."""

import json
import uuid
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from jobs.states import Status
from notifications.dispatch import dispatch_pending
from tests import factories


def shell(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_jobs_lists_everybodys_with_status_stage_progress_and_cost(alice: User, bob: User) -> None:
    running, failed = factories.job(alice), factories.job(bob, Status.FAILED)
    header, newest, oldest = shell("jobs").splitlines()
    assert header.split() == ["ID", "STATUS", "STAGE", "PROGRESS", "COST", "OWNER", "NAME"]
    assert oldest.split()[:6] == [running.short_id, "running", "training", "40.0%", "$0.42", "alice"]
    assert newest.split()[:2] == [failed.short_id, "failed"]


def test_jobs_filters_by_status_and_speaks_json(alice: User) -> None:
    for status in (Status.RUNNING, Status.QUEUED, Status.COMPLETED):
        factories.job(alice, status)
    listed = json.loads(shell("jobs", "--status", "completed", "--status", "queued", "--json"))
    assert [(job["status"], job["cost"]) for job in listed] == [("completed", 1.12), ("queued", 0.0)]
    with pytest.raises(CommandError, match="invalid choice"):
        shell("jobs", "--status", "sleeping")


def test_jobs_says_when_there_are_more(alice: User) -> None:
    for _ in range(3):
        factories.job(alice)
    assert "2 of 3 jobs" in shell("jobs", "--limit", "2")


def test_a_name_cannot_command_the_terminal(alice: User) -> None:
    job = factories.job(alice, name="\x1b[2Jgone")
    for words in (("jobs",), ("job", str(job.pk))):
        assert "\x1b" not in shell(*words)


def test_job_shows_points_timeline_and_notifications(alice: User) -> None:
    job = factories.job(alice, Status.FAILED, waiting_for="nothing")
    factories.points(job, {step: {"training_loss": step / 8} for step in range(1, 30)})
    dispatch_pending()
    shown = shell("job", job.short_id)
    assert str(job.pk) in shown
    assert "failed (training)" in shown
    assert "out_of_memory: CUDA out of memory" in shown
    assert "step       29" in shown
    assert "step       19" not in shown
    assert "queued -> failed" in shown
    assert "high" in shown.split("Notifications")[1]


def test_job_takes_the_whole_id_too_and_has_nothing_to_hide(alice: User) -> None:
    job = factories.job(alice, Status.QUEUED)
    shown = shell("job", str(job.pk))
    assert shown.count("none") == 3  # external id, points, notifications


def test_an_ambiguous_beginning_lists_the_candidates(alice: User) -> None:
    ids = [uuid.UUID(f"abcd{number}000-0000-4000-8000-000000000000") for number in range(2)]
    for id in ids:
        factories.job(alice, id=id)
    with pytest.raises(CommandError, match=r"Several jobs(.|\n)*abcd0000(.|\n)*abcd1000"):
        shell("job", "abcd")
    assert str(ids[1]) in shell("job", "ABCD1")


@pytest.mark.parametrize("id", ["ffff", "%", "", "no id"])
def test_an_unknown_beginning_says_where_to_look(db: None, id: str) -> None:
    with pytest.raises(CommandError, match=r"manage\.py jobs"):
        shell("job", id)
