"""Whatever goes wrong, people get a page that says what and leads on; it needs nothing that may be broken."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker
from rest_framework.throttling import UserRateThrottle

Browse = Callable[[User], Client]
IN_A_BROWSER = {"sec-fetch-dest": "document"}


@pytest.fixture
def no_database(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database is gone, as after a crash of its server."""
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "NAME", "/there/is/no/such/database")
        yield
        connection.close()


def test_a_page_without_a_database_says_so_and_asks_to_come_back(no_database: None) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "x" * 32
    client.cookies["theme"] = "dark"
    answer = client.get("/datasets")
    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database does not answer" in page
    assert '<meta name="color-scheme" content="dark">' in page


def test_a_crash_shows_nothing_of_its_cause(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.crashing_urls"
    answer = Client(raise_request_exception=False).get("/crash")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "back"),
    [("http://testserver/settings/tokens", "http://testserver/settings/tokens"), ("http://evil.example/", "/")],
)
def test_a_form_that_is_out_of_date_leads_back_to_its_page_of_ours(alice: User, referer: str, back: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/settings/tokens", {"name": "x"}, headers={"referer": referer})
    assert answer.status_code == 403
    assert "That page was out of date" in answer.content.decode()
    assert f'href="{back}">Open the page again' in answer.content.decode()


def test_the_api_tells_a_page_that_it_is_out_of_date(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/api/tokens", {"name": "x"}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "csrf_failed"
    assert "Reload it" in answer.json()["error"]["message"]


def test_a_link_into_the_api_is_refused_in_a_page(alice: User, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browse(alice)
    missing = client.get("/api/jobs/00000000-0000-0000-0000-000000000000/metrics.csv", headers=IN_A_BROWSER)
    assert missing.status_code == 404
    assert "Page not found" in missing.content.decode()
    monkeypatch.setitem(UserRateThrottle.THROTTLE_RATES, "user", "1/min")
    assert client.get("/api/tokens", headers=IN_A_BROWSER).status_code in (200, 429)
    refused = client.get("/api/tokens", headers=IN_A_BROWSER)
    assert refused.status_code == 429
    assert f'data-countdown="{refused["Retry-After"]}"' in refused.content.decode()


def test_a_link_into_the_api_leads_through_the_login(db: None) -> None:
    answer = Client().get("/api/costs?month=x", headers=IN_A_BROWSER)
    assert answer["Location"] == "/login?next=%2Fapi%2Fcosts%3Fmonth%3Dx"


def test_programs_are_refused_in_json(db: None) -> None:
    answer = Client().get("/api/costs")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
