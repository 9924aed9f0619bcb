"""Pages and API say when jobs do not move."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.models import CycleRun

Browse = Callable[[User], Client]
HEADLINE = "Jobs are not being processed"


@pytest.fixture
def stalled(db: None) -> None:
    """The last cycle is long ago."""
    CycleRun.objects.create(started_at=timezone.now() - timedelta(minutes=7))


def banner(client: Client, page: str = "/training/jobs") -> str:
    """The banner's element on a page, from its id to its end."""
    return client.get(page).content.decode().partition('id="processing"')[2].partition("</div>\n</div>")[0]


@pytest.mark.parametrize("page", ["/training/jobs", "/training/configure", "/datasets", "/notifications"])
def test_every_page_says_that_jobs_do_not_move(browse: Browse, alice: User, stalled: None, page: str) -> None:
    shown = banner(browse(alice), page)
    assert HEADLINE in shown
    assert "started 7 min ago" in shown
    assert not shown.partition(">")[0].endswith("hidden")
    assert "celery" not in shown


def test_staff_are_told_what_to_do(browse: Browse, operator: User, stalled: None) -> None:
    assert "manage.py doctor" in banner(browse(operator))


def test_the_banner_is_hidden_while_jobs_move(browse: Browse, alice: User, cycled: None) -> None:
    assert banner(browse(alice)).partition(">")[0].endswith("hidden")


def test_the_login_page_asks_nothing(client: Client, stalled: None) -> None:
    assert HEADLINE not in client.get("/login").content.decode()


def test_the_api_says_whether_jobs_are_processed(api: Callable[[User], APIClient], alice: User, stalled: None) -> None:
    assert api(alice).get("/api/processing").json()["data"] == {"ok": False, "message": "started 7 min ago"}
    CycleRun.objects.update(started_at=timezone.now())
    assert api(alice).get("/api/processing").json()["data"]["ok"] is True


def test_the_api_tells_nobody_anonymous(client: Client, stalled: None) -> None:
    assert client.get("/api/processing").status_code == 401
