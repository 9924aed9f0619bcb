"""What one is told by which way: by API and on the page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from notifications.models import Preference

Api = Callable[[User], APIClient]
Page = Callable[[User], Client]
PATH = "/api/notifications/preferences"


def switches(client: APIClient) -> dict[tuple[str, str], bool]:
    rows = client.get(PATH).json()["data"]["preferences"]
    return {(row["type"], row["channel"]): row["enabled"] for row in rows}


@pytest.fixture
def with_mail(settings: Any) -> None:
    settings.EMAIL_CONFIGURED = True


def test_defaults_are_everything_in_the_inbox_and_what_needs_somebody_by_mail(alice: User, api: Api) -> None:
    found = switches(api(alice))
    assert all(enabled for (_, channel), enabled in found.items() if channel == "in-app")
    assert {type_ for (type_, channel), enabled in found.items() if channel == "email" and enabled} == {
        *("job_completed", "job_failed", "budget", "stall", "diverged", "nan_loss", "zero_loss", "dataset_error"),
    }
    assert not Preference.objects.exists()


def test_only_operators_choose_about_operations(alice: User, operator: User, api: Api) -> None:
    assert ("alert", "email") not in switches(api(alice))
    assert switches(api(operator))["alert", "email"] is True
    refused = api(alice).patch(PATH, {"preferences": [{"type": "alert", "channel": "email", "enabled": True}]})
    assert refused.status_code == 400


def test_a_switch_changes_and_the_others_stay(alice: User, bob: User, api: Api) -> None:
    client = api(alice)
    before = switches(client)
    body = {"preferences": [{"type": "job_queued", "channel": "in-app", "enabled": False}]}
    assert client.patch(PATH, body).status_code == 200
    assert switches(client) == {**before, ("job_queued", "in-app"): False}
    assert switches(api(bob)) == before
    api(bob).patch(PATH, body)
    body["preferences"][0]["enabled"] = True
    client.patch(PATH, body)
    assert switches(client) == before
    assert not Preference.objects.filter(owner=alice).exists()
    assert switches(api(bob)) == {**before, ("job_queued", "in-app"): False}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"preferences": [{"type": "job_queued"}]},
        {"preferences": [{"type": "nothing", "channel": "email", "enabled": True}]},
        {"preferences": [{"type": "job_queued", "channel": "webhook", "enabled": True}]},
        {"preferences": [{"type": "job_queued", "channel": "email", "enabled": "perhaps"}]},
    ],
)
def test_what_is_no_switch_is_refused(body: dict[str, Any], alice: User, api: Api) -> None:
    assert api(alice).patch(PATH, body).status_code == 400


def test_the_api_says_whether_there_is_mail(alice: User, api: Api, settings: Any) -> None:
    settings.EMAIL_CONFIGURED = False
    assert api(alice).get(PATH).json()["data"]["email"] == {"available": False, "address": "alice@example.com"}


def test_the_page_saves_its_boxes(alice: User, browse: Page, api: Api, with_mail: None) -> None:
    client = browse(alice)
    assert "E-mails go to alice@example.com" in client.get("/settings/notifications").content.decode()
    client.post("/settings/notifications/save", {"on": ["job_failed:in-app", "job_queued:email"]})
    assert {key for key, enabled in switches(api(alice)).items() if enabled} == {
        ("job_failed", "in-app"),
        ("job_queued", "email"),
    }


def test_boxes_that_cannot_be_ticked_stay_as_they_were(alice: User, browse: Page, api: Api, settings: Any) -> None:
    settings.EMAIL_CONFIGURED = False
    client = browse(alice)
    assert "has no mail server" in client.get("/settings/notifications").content.decode()
    client.post("/settings/notifications/save", {"on": []})
    found = switches(api(alice))
    assert found["job_failed", "email"]
    assert not found["job_failed", "in-app"]


def test_the_page_says_that_the_account_has_no_address(alice: User, browse: Page, with_mail: None) -> None:
    alice.email = ""
    alice.save()
    assert "your account has no address" in browse(alice).get("/settings/notifications").content.decode()
