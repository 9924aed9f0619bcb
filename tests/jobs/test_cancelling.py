"""What the cancel dialog says of a job as it stands: billed, kept, lost."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.monitor.cancelling import Terms, terms
from jobs.states import Status
from tests import factories

pytestmark = pytest.mark.django_db


def said(owner: User, status: Status, *, can_keep: bool = True, newest: int | None = None, **changes: Any) -> Terms:
    return terms(factories.job(owner, status, **changes), can_keep=can_keep, newest=newest)


def test_a_queued_job_costs_nothing_and_loses_nothing(alice: User) -> None:
    found = said(alice, Status.QUEUED)
    assert found.billed == "Nothing is being billed: the job is not at the cluster yet."
    assert "no step has been trained" in found.lost
    assert not found.can_keep


def test_a_job_that_is_being_prepared_has_no_adapter_to_keep(alice: User) -> None:
    found = said(alice, Status.INITIALIZING)
    assert "training has not started" in found.billed
    assert not found.can_keep


def test_a_training_job_may_keep_its_adapter(alice: User) -> None:
    found = said(alice, Status.RUNNING, current_step=40)
    assert found.can_keep
    assert found.lost == "What it learned so far, unless its adapter is kept."


def test_what_came_after_the_last_checkpoint_is_lost_where_nothing_is_handed_over(alice: User) -> None:
    found = said(alice, Status.RUNNING, can_keep=False, newest=1200, current_step=1234)
    assert "go on from step 1,200" in found.kept
    assert found.lost.startswith("What it learned after step 1,200: this cluster cannot")
    assert not found.can_keep


def test_a_job_whose_training_has_ended_loses_nothing(alice: User) -> None:
    found = said(alice, Status.RUNNING, current_step=69, cluster_result="completed")
    assert "GPUs are free already" in found.billed
    assert found.lost.startswith("Nothing")
    assert not found.can_keep


def test_between_two_attempts_nothing_is_billed(alice: User) -> None:
    assert "between two attempts" in said(alice, Status.QUEUED, attempt=2).billed
