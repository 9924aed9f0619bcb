"""The page of a job that was started again by itself: what it waits for, and one curve over its attempts."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories
from tests.e2e.conftest import Complaints

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

WAITS = "The machine was lost; going on from step 40 (attempt 2 of 3)."


@pytest.fixture
def job(alice: User) -> TrainingJob:
    """In its second attempt, which went on from step 40 of the first, and waits for the cluster."""
    now = timezone.now()
    job = factories.job(alice, Status.RUNNING, attempt=2, waiting_for=WAITS, next_poll_at=now + timedelta(hours=1))
    factories.points(job, {step: {"training_loss": 2 - step / 60} for step in range(2, 61, 2)})
    factories.points(job, {step: {"training_loss": 1.8 - step / 60} for step in range(42, 91, 2)}, attempt=2)
    factories.checkpoint(job, 40)
    factories.event(job, from_status="running", to_status="queued", message=WAITS, attempt=2)
    return job


@pytest.fixture
def tab(
    live_server: Any, browser: Browser, browse: Callable[[User], Client], job: TrainingJob, complaints: Complaints
) -> Iterator[Page]:
    session = browse(job.owner).cookies["sessionid"].value
    with browser.new_context(base_url=live_server.url) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        tab = context.new_page()
        tab.on("console", complaints.note)
        tab.goto(f"/training/jobs/{job.pk}")
        yield tab


def test_it_says_what_it_waits_for_and_which_attempt_it_is(tab: Page) -> None:
    expect(tab.locator('[data-field="waiting_for"]')).to_have_text(WAITS)
    expect(tab.get_by_text("attempt 2", exact=False).first).to_be_attached()


def test_the_curve_goes_on_where_the_lost_attempt_was_resumed(tab: Page, job: TrainingJob) -> None:
    history = tab.evaluate(
        """async ([module, job]) => {
            const { Points } = await import(module);
            const answer = await (await fetch(`/api/jobs/${job}/metrics`)).json();
            const points = new Points();
            points.take(answer.data);
            const { points: shown, seams } = points.history([{ attempt: 1, restart: 0, step: 40 }]);
            return { steps: shown.map((point) => point.step), attempts: shown.map((point) => point.attempt), seams };
        }""",
        [staticfiles_storage.url("monitor/series.js"), str(job.pk)],
    )
    assert history["steps"] == list(range(2, 91, 2))
    assert history["attempts"] == [1] * 20 + [2] * 25
    assert history["seams"] == [40]
