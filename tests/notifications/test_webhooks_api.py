"""/api/webhooks: made, changed, tested, read and sent once more; each user's are their own."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from notifications import compose
from notifications.dispatch import dispatch_pending
from notifications.exceptions import WebhookConflict
from notifications.models import Delivery, WebhookEndpoint
from notifications.sending import send_due
from notifications.services.webhooks import MAX_WEBHOOKS, webhook_create
from tests.contracts.wire import reply
from tests.notifications.conftest import MakeEndpoint, MakeJob, Receive, webhook_of

Api = Callable[[User], APIClient]

GOOD = {"url": "https://example.com/hook", "event_types": ["job_failed", "job_completed"], "description": "evaluation"}


def made(client: APIClient, **given: Any) -> dict[str, Any]:
    answer = client.post("/api/webhooks", {**GOOD, **given})
    assert answer.status_code == 201, answer.json()
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_making_one_shows_its_secret_once(alice: User, api: Api) -> None:
    client = api(alice)
    data = made(client)
    assert data["secret"].startswith("whsec_")
    assert data["webhook"]["event_types"] == ["job_completed", "job_failed"]
    assert data["webhook"]["description"] == "evaluation"
    one = client.get(f"/api/webhooks/{data['webhook']['id']}")
    many = client.get("/api/webhooks")
    assert one.json()["data"]["webhook"] == many.json()["data"]["webhooks"][0] == data["webhook"]
    row = WebhookEndpoint.objects.get()
    for answer in (one, many):
        assert "whsec_" not in answer.content.decode()
        assert row.secret_salt not in answer.content.decode()


def test_the_secret_is_stored_nowhere(alice: User, api: Api) -> None:
    secret = made(api(alice))["secret"].removeprefix("whsec_")
    row = WebhookEndpoint.objects.values().get()
    assert not [value for value in row.values() if secret in str(value)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://user:pw@example.com/"}, "url"),
        ({"url": "https://example.com:25/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["job_exploded"]}, "event_types"),
        ({"event_types": ["alert"]}, "event_types"),
        ({"event_types": "job_failed"}, "event_types"),
        ({"description": "x" * 201}, "description"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(given: dict[str, Any], field: str, alice: User, api: Api) -> None:
    answer = api(alice).post("/api/webhooks", {**GOOD, **given})
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]
    assert not WebhookEndpoint.objects.exists()


def test_operators_may_hear_of_operations(operator: User, api: Api) -> None:
    assert made(api(operator), event_types=["alert"])["webhook"]["event_types"] == ["alert"]


def test_there_is_room_for_so_many(alice: User, api: Api, endpoint_of: MakeEndpoint) -> None:
    for _ in range(MAX_WEBHOOKS):
        endpoint_of(alice, "https://example.com/")
    assert api(alice).post("/api/webhooks", GOOD).status_code == 409


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_last_room_is_taken_once_by_whoever_asks_at_the_same_moment(
    alice: User, endpoint_of: MakeEndpoint, run_at_once: Callable[[Callable[[], object], int], None]
) -> None:
    for _ in range(MAX_WEBHOOKS - 1):
        endpoint_of(alice, "https://example.com/")

    def ask() -> None:
        with suppress(WebhookConflict):
            webhook_create(user=alice, url="https://example.com/", event_types=["job_failed"])

    run_at_once(ask, 4)
    assert WebhookEndpoint.objects.filter(owner=alice).count() == MAX_WEBHOOKS


def test_changing_one_changes_what_is_given(alice: User, api: Api) -> None:
    client = api(alice)
    webhook = made(client)["webhook"]
    path = f"/api/webhooks/{webhook['id']}"
    assert client.patch(path, {"url": "https://127.0.0.1/"}).status_code == 400
    changed = client.patch(path, {"event_types": ["job_started"], "enabled": False}).json()["data"]["webhook"]
    assert changed["event_types"] == ["job_started"]
    assert changed["url"] == webhook["url"]
    assert not changed["enabled"]
    assert changed["disabled_at"] is not None
    row = WebhookEndpoint.objects.filter(pk=webhook["id"])
    row.update(disabled_reason="It is gone.", busy_until="2100-01-01T00:00Z")
    client.patch(path, {"enabled": True, "description": "serving"})
    changed = client.get(path).json()["data"]["webhook"]
    assert (changed["disabled_at"], changed["disabled_reason"], changed["description"]) == (None, "", "serving")
    assert row.get().busy_until is None, "what waits for it goes out at once"
    row.update(busy_until="2100-01-01T00:00Z")
    client.patch(path, {"enabled": True})
    assert row.get().busy_until is not None, "it was on, and is being called"


def test_a_new_secret_signs_beside_the_old_one(alice: User, api: Api, job_of: MakeJob, receive: Receive) -> None:
    server = receive()
    client = api(alice)
    data = made(client, url=server.url)
    rotated = client.post(f"/api/webhooks/{data['webhook']['id']}/rotate-secret").json()["data"]
    assert rotated["secret"] != data["secret"]
    job_of(alice, "completed")
    dispatch_pending()
    send_due()
    request = server.requests[0]
    for secret in (data["secret"], rotated["secret"]):
        assert Webhook(secret).verify(request.body, dict(request.headers))


def test_deleting_one_takes_its_log_and_what_waits(
    alice: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint
) -> None:
    endpoint = endpoint_of(alice, "https://example.com/")
    job_of(alice, "completed")
    dispatch_pending()
    assert api(alice).delete(f"/api/webhooks/{endpoint.pk}").status_code == 204
    assert not Delivery.objects.filter(channel="webhook").exists()
    assert dispatch_pending() == 0


def test_the_test_button_sends_at_once_and_says_what_came_back(
    alice: User, api: Api, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive(reply(418, "I am a teapot"))
    endpoint = endpoint_of(alice, server.url)
    result = api(alice).post(f"/api/webhooks/{endpoint.pk}/test").json()["data"]["result"]
    assert (result["ok"], result["status_code"], result["answer"]) == (False, 418, "I am a teapot")
    assert result["seconds"] > 0
    request = server.requests[0]
    secret = compose.secrets(endpoint, now=endpoint.created_at)[0]
    assert Webhook(secret).verify(request.body, dict(request.headers))["type"] == "test"


def test_the_test_button_reaches_no_private_address(alice: User, api: Api, endpoint_of: MakeEndpoint) -> None:
    endpoint = endpoint_of(alice, "https://2130706433/")
    result = api(alice).post(f"/api/webhooks/{endpoint.pk}/test").json()["data"]["result"]
    assert not result["ok"]
    assert "not a public one" in result["error"]


def test_the_log_can_be_filtered_and_paged(
    alice: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint, _ = endpoint_of(alice, receive().url), endpoint_of(alice, receive().url)
    path = f"/api/webhooks/{endpoint.pk}/deliveries"
    job_of(alice, "queued", "running")
    dispatch_pending()
    send_due()
    job_of(alice, "queued")
    dispatch_pending()
    client = api(alice)
    log = client.get(path).json()["data"]
    assert [row["type"] for row in log["deliveries"]] == ["job_queued", "job_started", "job_queued"]
    assert log["pagination"]["total"] == 3
    assert [row["state"] for row in client.get(f"{path}?state=pending").json()["data"]["deliveries"]] == ["pending"]
    assert client.get(f"{path}?type=job_queued&state=done").json()["data"]["pagination"]["total"] == 1
    assert len(client.get(f"{path}?limit=2&page=2").json()["data"]["deliveries"]) == 1
    assert client.get(f"{path}?state=lost").status_code == 400


def test_a_replay_sends_the_same_message_again(
    alice: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    server = receive()
    endpoint = endpoint_of(alice, server.url)
    job = job_of(alice, "completed")
    dispatch_pending()
    send_due()
    path = f"/api/webhooks/{endpoint.pk}/deliveries/{webhook_of(job).message_id}"
    job_of(alice, "failed")
    dispatch_pending()
    send_due()
    client = api(alice)
    assert client.post(f"{path}/replay").json()["data"]["delivery"]["state"] == "pending"
    send_due()
    first, _, second = server.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    detail = client.get(path).json()["data"]["delivery"]
    assert detail["state"] == "done"
    assert [attempt["is_replay"] for attempt in detail["attempts"]] == [False, True]
    assert detail["payload"] == first.json()


def test_what_was_given_up_can_be_replayed_and_is_tried_for_a_day_again(
    alice: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    endpoint = endpoint_of(alice, receive(reply(500)).url)
    job = job_of(alice, "completed")
    dispatch_pending()
    Delivery.objects.filter(channel="webhook").update(state="failed", tries=8, attempts_made=8, next_attempt_at=None)
    api(alice).post(f"/api/webhooks/{endpoint.pk}/deliveries/{webhook_of(job).message_id}/replay")
    send_due()
    delivery = webhook_of(job)
    assert (delivery.state, delivery.tries, delivery.attempts_made) == ("pending", 1, 9)


def test_a_replay_waits_for_a_sender_and_for_the_switch(
    alice: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint, receive: Receive
) -> None:
    client = api(alice)
    statuses: list[int] = []
    endpoint = endpoint_of(alice, receive().url)
    job = job_of(alice, "completed")
    dispatch_pending()
    path = f"/api/webhooks/{endpoint.pk}/deliveries/{webhook_of(job).message_id}/replay"
    Delivery.objects.filter(channel="webhook").update(claim=uuid.uuid4(), next_attempt_at="2100-01-01T00:00Z")
    statuses.append(client.post(path).status_code)
    Delivery.objects.filter(channel="webhook").update(claim=None)
    WebhookEndpoint.objects.update(enabled=False)
    statuses.append(client.post(path).status_code)
    WebhookEndpoint.objects.update(enabled=True)
    statuses.append(client.post(path).status_code)
    Delivery.objects.filter(channel="webhook").update(claim=uuid.uuid4(), next_attempt_at="2001-01-01T00:00Z")
    statuses.append(client.post(path).status_code)
    assert statuses == [409, 409, 200, 200]
    assert webhook_of(job).claim is None, "a sender that was taken for dead has no say any more"


def test_somebody_elses_and_none_are_the_same_404(
    alice: User, bob: User, api: Api, job_of: MakeJob, endpoint_of: MakeEndpoint
) -> None:
    theirs, mine = endpoint_of(bob, "https://example.com/"), endpoint_of(alice, "https://example.com/")
    job = job_of(bob, "completed")
    dispatch_pending()
    delivery = webhook_of(job).message_id
    client = api(alice)
    for path in (f"{theirs.pk}", f"{theirs.pk}/deliveries", f"{theirs.pk}/deliveries/{delivery}"):
        assert client.get(f"/api/webhooks/{path}").status_code == 404
    # Bob's delivery does not come in by alice's webhook either.
    for path in (f"{theirs.pk}/deliveries/{delivery}", f"{mine.pk}/deliveries/{delivery}"):
        assert client.get(f"/api/webhooks/{path}").status_code == 404
        assert client.post(f"/api/webhooks/{path}/replay").status_code == 404
    assert client.patch(f"/api/webhooks/{theirs.pk}", {"enabled": False}).status_code == 404
    assert client.delete(f"/api/webhooks/{theirs.pk}").status_code == 404
    assert client.post(f"/api/webhooks/{theirs.pk}/rotate-secret").status_code == 404
    assert client.post(f"/api/webhooks/{theirs.pk}/test").status_code == 404
    assert client.get(f"/api/webhooks/{uuid.uuid4()}").json() == client.get(f"/api/webhooks/{theirs.pk}").json()
