"""/api/tokens and who gets in with one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from accounts import services
from accounts.models import ApiToken

Api = Callable[[User], APIClient]


def get(header: str) -> int:
    return APIClient(raise_request_exception=False).get("/api/tokens", HTTP_AUTHORIZATION=header).status_code


def test_a_new_token_is_shown_once_and_works(alice: User, api: Api) -> None:
    answer = api(alice).post("/api/tokens", {"name": "laptop"})
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    data = answer.json()["data"]
    assert data["token"] == {
        "id": data["secret"][:15],
        "name": "laptop",
        "created_at": data["token"]["created_at"],
        "expires_at": None,
    }
    assert get(f"Bearer {data['secret']}") == 200


def test_only_a_hash_is_stored(alice: User) -> None:
    row, secret = services.token_create(user=alice, name="laptop")
    stored = ApiToken.objects.filter(pk=row.pk).values().get()
    assert secret not in map(str, stored.values())
    assert stored["digest"] != secret
    assert secret not in str(row)
    assert row.digest not in str(row)


def test_the_list_shows_neither_secret_nor_hash(alice: User, api: Api) -> None:
    row, secret = services.token_create(user=alice, name="laptop")
    body = api(alice).get("/api/tokens").content.decode()
    assert "laptop" in body
    assert secret not in body
    assert row.digest not in body


def test_a_token_expires(alice: User, api: Api) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    with time_machine.travel(noon, tick=False):
        answer = api(alice).post("/api/tokens", {"name": "a day", "expires_in_days": 1}).json()["data"]
        assert answer["token"]["expires_at"] == "2026-05-02T12:00:00Z"
    with time_machine.travel(noon + timedelta(hours=23, minutes=59)):
        assert get(f"Bearer {answer['secret']}") == 200
    with time_machine.travel(noon + timedelta(hours=24)):
        assert get(f"Bearer {answer['secret']}") == 401


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "soon"])
def test_a_lifetime_out_of_range_is_refused(days: object, alice: User, api: Api) -> None:
    answer = api(alice).post("/api/tokens", {"name": "x", "expires_in_days": days})
    assert answer.status_code == 400
    assert "expires_in_days" in answer.json()["error"]["details"]


def test_a_token_needs_a_name(alice: User, api: Api) -> None:
    assert "name" in api(alice).post("/api/tokens", {}).json()["error"]["details"]


def test_a_revoked_token_is_refused_at_once(alice: User, api: Api) -> None:
    client = api(alice)
    row, secret = services.token_create(user=alice, name="lost laptop")
    assert client.delete(f"/api/tokens/{row.token_key}").status_code == 204
    assert get(f"Bearer {secret}") == 401


def test_somebody_elses_token_is_a_404(alice: User, bob: User, api: Api) -> None:
    row, secret = services.token_create(user=bob, name="bob's")
    assert api(alice).delete(f"/api/tokens/{row.token_key}").status_code == 404
    assert get(f"Bearer {secret}") == 200
    assert "bob" not in api(alice).get("/api/tokens").content.decode()


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer nonsense", "Bearer a b", "Bearer \xff\xfe", "Bearer é", "bearer  ", "Basic YTpi", "Bearer \x00"],
)
def test_garbage_is_a_401(header: str, db: None) -> None:
    assert get(header) == 401


def test_an_inactive_users_token_is_refused(alice: User) -> None:
    _, secret = services.token_create(user=alice, name="x")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert get(f"Bearer {secret}") == 401


def test_checking_a_token_takes_one_query(alice: User, django_assert_num_queries: Callable[..., object]) -> None:
    _, secret = services.token_create(user=alice, name="x")
    for number in range(3):
        services.token_create(user=alice, name=str(number), expires_in=timedelta(seconds=-1))
    with django_assert_num_queries(3):  # type: ignore[attr-defined]  # the token, the count, the page
        assert get(f"Bearer {secret}") == 200
    assert ApiToken.objects.count() == 4


def test_the_pages_session_may_call_the_api_with_csrf_protection(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/api/tokens").status_code == 200
    refused = client.post("/api/tokens", {"name": "x"}, content_type="application/json")
    assert refused.status_code == 403
    client.get("/settings/tokens")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post("/api/tokens", {"name": "x"}, "application/json", headers=headers).status_code == 201
