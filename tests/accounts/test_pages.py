"""Logging in and out, and the page of API tokens."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken

Page = Callable[[User], Client]


def log_in(username: str, password: str, **extra: str) -> int:
    return Client().post("/login", {"username": username, "password": password}, **extra).status_code  # type: ignore[arg-type]


def test_logging_in_leads_to_where_one_wanted_to_go(alice: User, client: Client) -> None:
    assert client.get("/settings/tokens")["Location"] == "/login?next=/settings/tokens"
    answer = client.post("/login?next=/settings/tokens", {"username": "alice", "password": "alice-password"})
    assert answer["Location"] == "/settings/tokens"


def test_logging_in_never_leads_to_another_site(alice: User, client: Client) -> None:
    answer = client.post("/login?next=https://example.com/", {"username": "alice", "password": "alice-password"})
    assert answer["Location"].startswith("/")


def test_a_wrong_password_is_told_without_saying_what_was_wrong(alice: User, client: Client) -> None:
    wrong_name = client.post("/login", {"username": "nobody", "password": "x"})
    wrong_password = client.post("/login", {"username": "alice", "password": "x"})
    assert wrong_name.status_code == wrong_password.status_code == 200
    assert "do not match" in wrong_password.content.decode()


def test_guessing_is_slowed_down_for_an_address_and_for_a_name(alice: User) -> None:
    assert [log_in("nobody", "x") for _ in range(10)] == [200] * 10
    assert log_in("alice", "alice-password") == 429
    assert log_in("nobody", "x", REMOTE_ADDR="192.0.2.9") == 429
    assert log_in("alice", "alice-password", REMOTE_ADDR="192.0.2.9") == 302


def test_an_invented_forwarding_header_does_not_reset_the_count(alice: User) -> None:
    attempts = [log_in(f"nobody {n}", "x", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}") for n in range(11)]
    assert attempts == [200] * 10 + [429]


def test_after_a_minute_one_may_try_again(alice: User) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        for _ in range(10):
            log_in("alice", "x")
        refused = Client().post("/login", {"username": "alice", "password": "alice-password"})
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 61
        assert "Too many failed attempts" in refused.content.decode()
    with time_machine.travel(now + timedelta(seconds=62)):
        assert log_in("alice", "alice-password") == 302


def test_logging_in_often_is_no_guessing(alice: User) -> None:
    assert [log_in("alice", "alice-password") for _ in range(12)] == [302] * 12


def test_logging_out_takes_a_post(alice: User, browse: Page) -> None:
    client = browse(alice)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 302
    assert client.get("/settings/tokens").status_code == 302


def test_the_login_form_is_protected_against_csrf(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    refused = client.post("/login", {"username": "alice", "password": "alice-password"})
    assert refused.status_code == 403
    assert "<style" not in refused.content.decode()


def test_the_page_makes_a_token_and_shows_it_once(alice: User, browse: Page) -> None:
    client = browse(alice)
    answer = client.post("/settings/tokens", {"name": "laptop", "expires_in_days": "30"})
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    again = client.get("/settings/tokens").content.decode()
    assert "laptop" in again
    assert secret not in again
    assert Client().get("/api/tokens", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_the_page_says_what_is_missing(alice: User, browse: Page) -> None:
    answer = browse(alice).post("/settings/tokens", {"name": ""})
    assert "This field is required" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_the_page_revokes_ones_own_token_alone(alice: User, bob: User, browse: Page) -> None:
    mine, _ = services.token_create(user=alice, name="mine")
    theirs, _ = services.token_create(user=bob, name="theirs")
    client = browse(alice)
    assert client.post(f"/settings/tokens/{mine.token_key}/revoke").status_code == 302
    assert client.post(f"/settings/tokens/{theirs.token_key}/revoke").status_code == 404
    assert ApiToken.objects.get() == theirs


@pytest.mark.parametrize("address", ["/login", "/settings/tokens"])
def test_pages_need_no_inline_script_or_style(address: str, alice: User, browse: Page) -> None:
    answer = browse(alice).get(address)
    text = answer.content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
