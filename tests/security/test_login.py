"""Getting in: guesses are few, answers give nothing away, sessions are one's own, and nobody is led elsewhere."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import guesses, services
from accounts.models import FailedGuess

pytestmark = pytest.mark.django_db

Page = Callable[[User], Client]


def log_in(username: str, password: str, address: str = "192.0.2.1") -> int:
    answer = Client().post("/login", {"username": username, "password": password}, REMOTE_ADDR=address)
    return answer.status_code


def with_token(token: str, address: str = "192.0.2.1") -> int:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", REMOTE_ADDR=address)
    return client.get("/api/tokens").status_code


# -- Guessing --------------------------------------------------------------------------------------------------


def test_a_restart_and_a_flushed_cache_forget_no_guess(alice: User) -> None:
    for _ in range(10):
        log_in("alice", "x")
    cache.clear()
    assert log_in("alice", "alice-password") == 429


def test_a_whole_ipv6_network_is_one_guesser(alice: User) -> None:
    tries = [log_in(f"nobody {n}", "x", f"2001:db8:1:2::{n:x}") for n in range(11)]
    assert tries == [200] * 10 + [429]
    assert log_in("alice", "alice-password", "2001:db8:1:3::1") == 302


def test_many_names_from_one_address_and_one_name_from_many_are_both_guessing(alice: User) -> None:
    assert [log_in("alice", "x", f"192.0.2.{n}") for n in range(11)][-1] == 429
    assert [log_in(f"name {n}", "x", "198.51.100.1") for n in range(11)][-1] == 429


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_guesses_sent_all_at_once_are_no_more_than_the_rate_allows() -> None:
    start, waits = threading.Barrier(6), []

    def guess() -> None:
        start.wait()
        waits.append(guesses.begin("3/min", username="alice").wait_s)
        connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in waits) <= 3


def test_old_guesses_are_forgotten_and_none_says_whose_it_was(alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        log_in("alice", "x")
    log_in("bob", "x", "198.51.100.7")
    rows = list(FailedGuess.objects.values())
    assert len(rows) == 2
    assert not {"bob", "198.51.100.7"} & {row["key"] for row in rows}


def test_tokens_are_not_guessed_at_for_long_but_a_right_one_is_let_in(alice: User) -> None:
    _, secret = services.token_create(user=alice, name="script")
    tries = [with_token(f"lora_{n:064x}") for n in range(61)]
    assert tries == [401] * 60 + [429]
    assert with_token("lora_" + "0" * 64, "192.0.2.2") == 401
    assert with_token(secret) == 200


def test_a_refused_token_is_told_when_to_come_back(alice: User) -> None:
    for _ in range(61):
        answer = APIClient().get("/api/tokens", HTTP_AUTHORIZATION="Bearer wrong")
    assert answer.json()["error"]["code"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 61


# -- What answers give away ------------------------------------------------------------------------------------


class CountingHasher(MD5PasswordHasher):
    """Notes each time that it works: the time a login takes is the time of that work."""

    encoded: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str) -> str:
        self.encoded.append(password)
        return super().encode(password, salt)


def test_it_cannot_be_told_whether_a_user_exists_or_is_blocked(alice: User, bob: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.security.test_login.CountingHasher"]
    bob.is_active = False
    for user in (alice, bob):
        user.set_password(f"{user.username}-password")
        user.save()
    pages, work = [], []
    for username, password in (("alice", "x"), ("nobody", "x"), ("bob", "x"), ("bob", "bob-password")):
        CountingHasher.encoded.clear()
        answer = Client().post("/login", {"username": username, "password": password})
        work.append(len(CountingHasher.encoded))
        assert answer.status_code == 200
        pages.append(
            [line for line in answer.content.decode().splitlines() if username not in line and "csrf" not in line]
        )
    assert pages[1:] == pages[:-1]
    assert set(work) == {1}


# -- Sessions --------------------------------------------------------------------------------------------------


def test_a_session_from_before_the_login_is_worth_nothing(alice: User) -> None:
    attacker = Client()
    session = attacker.session
    session["planted"] = "yes"
    session.save()
    victim = Client()
    victim.cookies["sessionid"] = str(session.session_key)
    victim.post("/login", {"username": "alice", "password": "alice-password"})
    assert victim.cookies["sessionid"].value != session.session_key
    attacker.cookies["sessionid"] = str(session.session_key)
    assert attacker.get("/settings/tokens").status_code == 302


def test_a_logged_out_session_is_over(alice: User, browse: Page) -> None:
    client = browse(alice)
    stolen = client.cookies["sessionid"].value
    client.post("/logout")
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/settings/tokens").status_code == 302


def test_logging_out_cannot_be_done_to_somebody(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 403
    assert client.get("/settings/tokens").status_code == 200


ELSEWHERE = [
    "https://evil.example.com/",
    "//evil.example.com/",
    "///evil.example.com",
    "/\\evil.example.com",
    "\\\\evil.example.com",
    "https:evil.example.com",
    "http:///evil.example.com",
    "javascript:alert(1)",
    "/\t/evil.example.com",
    "//evil.example.com\\@testserver/",
    "https://testserver@evil.example.com/",
    "\x01https://evil.example.com",
    "%2f%2fevil.example.com",
    "/login\r\nLocation: https://evil.example.com",
    "x" * 5000,
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_login_leads_nowhere_else(target: str, alice: User) -> None:
    answer = Client().post("/login", {"username": "alice", "password": "alice-password", "next": target})
    assert answer.status_code in {302, 400}
    if answer.status_code == 302:
        place = answer["Location"]
        assert place.startswith("/") or not place.startswith(("http", "java", "\\", "\x01"))
        assert not place.startswith(("//", "/\\"))
        assert "\n" not in place


# -- The password ----------------------------------------------------------------------------------------------


def change(client: Client, old: str, new: str) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/settings/password", form)


def test_a_new_password_ends_all_other_sessions(alice: User) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/login", {"username": "alice", "password": "alice-password"})
    answer = change(here, "alice-password", "a-long-new-passphrase")
    assert answer["Location"] == "/settings/password"
    assert "was changed" in here.get("/settings/password").content.decode()
    assert there.get("/settings/tokens").status_code == 302
    assert log_in("alice", "alice-password") == 200
    assert log_in("alice", "a-long-new-passphrase") == 302


def test_a_weak_new_password_is_refused(alice: User, browse: Page) -> None:
    for weak in ("short", "password123", "alice1234", ""):
        assert change(browse(alice), "alice-password", weak).status_code == 200
    assert log_in("alice", "alice-password") == 302


def test_a_stolen_session_cannot_guess_the_password(alice: User, browse: Page) -> None:
    client = browse(alice)
    answers = [change(client, f"guess {n}", "a-long-new-passphrase") for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert "Too many failed attempts" in answers[-1].content.decode()
    assert change(client, "alice-password", "a-long-new-passphrase").status_code == 429


def test_the_page_of_the_password_is_for_its_user_alone(client: Client) -> None:
    assert client.get("/settings/password")["Location"] == "/login?next=/settings/password"
