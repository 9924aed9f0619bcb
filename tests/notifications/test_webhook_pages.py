"""The pages of webhooks, as a browser without scripts uses them."""

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.dispatch import dispatch_pending
from notifications.models import Delivery, WebhookEndpoint
from notifications.sending import LEASE, send_due
from tests.contracts.wire import reply
from tests.notifications.conftest import MakeEndpoint, MakeJob, Receive, webhook_of

Page = Callable[[User], Client]
GOOD = {"url": "https://example.com/hook", "description": "evaluation", "event_types": ["job_failed"]}


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_the_page_says_when_there_is_none(alice: User, browse: Page) -> None:
    assert "No webhooks yet" in text(browse(alice), "/settings/notifications")


def test_making_one_shows_the_secret_once_and_a_reload_makes_no_other(alice: User, browse: Page) -> None:
    client = browse(alice)
    made = client.post("/settings/webhooks", GOOD)
    webhook = WebhookEndpoint.objects.get()
    assert (made.status_code, made["Location"]) == (302, f"/settings/webhooks/{webhook.pk}")
    assert "whsec_" not in str(dict(client.session))
    assert client.head(made["Location"]).status_code == 200
    answer = client.get(made["Location"])
    assert "whsec_" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "whsec_" not in text(client, made["Location"])
    assert "evaluation" in text(client, "/settings/notifications")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://example.com"}, "has to begin with https://"),
        ({"url": "https://10.0.0.1/"}, "not a public one"),
        ({"event_types": []}, "Choose at least one."),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(
    wrong: dict[str, object], told: str, alice: User, browse: Page
) -> None:
    answer = browse(alice).post("/settings/webhooks", {**GOOD, **wrong})
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_one_is_changed_switched_and_deleted(alice: User, browse: Page, endpoint_of: MakeEndpoint) -> None:
    client = browse(alice)
    path = f"/settings/webhooks/{endpoint_of(alice, 'https://example.com/').pk}"
    client.post(path, {**GOOD, "event_types": ["job_started"]})
    webhook = WebhookEndpoint.objects.get()
    assert (webhook.url, webhook.event_types) == (GOOD["url"], ["job_started"])
    assert client.post(path, {**GOOD, "url": "ftp://example.com"}).status_code == 400
    client.post(f"{path}/switch", {"enabled": "false"})
    assert "Switch on" in text(client, path)
    client.post(f"{path}/switch", {"enabled": "true"})
    assert "Switch off" in text(client, path)
    salt = WebhookEndpoint.objects.get().secret_salt
    assert "whsec_" in client.post(f"{path}/rotate-secret", follow=True).content.decode()
    assert "whsec_" not in text(client, path)
    assert WebhookEndpoint.objects.get().previous_salt == salt
    client.post(f"{path}/delete")
    assert not WebhookEndpoint.objects.exists()


def test_the_test_button_shows_the_answer_and_escapes_it(
    alice: User, browse: Page, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint = endpoint_of(alice, receive(reply(200, "<b>thanks</b>")).url)
    shown = browse(alice).post(f"/settings/webhooks/{endpoint.pk}/test").content.decode()
    assert "The test arrived." in shown
    assert "&lt;b&gt;thanks&lt;/b&gt;" in shown


def test_the_log_shows_tries_and_sends_again(
    alice: User, browse: Page, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint = endpoint_of(alice, receive(reply(500)).url)
    job = job_of(alice, "completed")
    dispatch_pending()
    send_due()
    client = browse(alice)
    path = f"/settings/webhooks/{endpoint.pk}"
    shown = text(client, path)
    assert "Waiting" in shown
    assert "It answered 500." in shown
    assert "None in this state" in text(client, f"{path}?state=done")
    assert "Until your last job ends</option>" in shown
    Delivery.objects.filter(channel="webhook").update(state="failed", next_attempt_at=None)
    answer = client.post(f"{path}/deliveries/{webhook_of(job).message_id}/replay", follow=True)
    assert "It is sent again." in answer.content.decode()
    assert 'data-live="true"' in answer.content.decode()
    assert webhook_of(job).state == "pending"
    leased = timezone.now() + LEASE
    Delivery.objects.filter(channel="webhook").update(claim=uuid.uuid4(), next_attempt_at=leased)  # it is under way
    assert 'data-live="true"' in client.get(path).content.decode()
    WebhookEndpoint.objects.update(enabled=False)
    answer = client.post(f"{path}/deliveries/{webhook_of(job).message_id}/replay", follow=True)
    assert "switch it on first" in answer.content.decode()


def test_a_webhook_that_was_switched_off_says_why(alice: User, browse: Page, endpoint_of: MakeEndpoint) -> None:
    endpoint = endpoint_of(alice, "https://example.com/")
    WebhookEndpoint.objects.update(enabled=False, disabled_reason="It answered 410 Gone.")
    assert "It answered 410 Gone." in text(browse(alice), f"/settings/webhooks/{endpoint.pk}")


def test_a_page_of_the_log_takes_few_queries(
    alice: User,
    browse: Page,
    job_of: MakeJob,
    endpoint_of: MakeEndpoint,
    receive: Receive,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    endpoint = endpoint_of(alice, receive().url)
    job_of(alice, *["queued"] * 20)
    dispatch_pending()
    send_due()
    client = browse(alice)
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        text(client, f"/settings/webhooks/{endpoint.pk}")


def test_the_admin_shows_all_rows_and_no_salt(
    operator: User, alice: User, browse: Page, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint = endpoint_of(alice, receive().url)
    job_of(alice, "completed")
    dispatch_pending()
    send_due()
    client = browse(operator)
    for name in ("delivery", "deliveryattempt", "webhookendpoint", "preference"):
        assert client.get(f"/admin/notifications/{name}/").status_code == 200
    detail = text(client, f"/admin/notifications/webhookendpoint/{endpoint.pk}/change/")
    assert endpoint.url in detail
    assert endpoint.secret_salt not in detail
