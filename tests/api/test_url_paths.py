"""Addresses: with and without a trailing slash, and never with NUL."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient


def test_a_trailing_slash_reaches_the_same_view(alice: User, api: Callable[[User], APIClient]) -> None:
    client = api(alice)
    assert client.get("/api/tokens/").json() == client.get("/api/tokens").json()
    assert client.post("/api/tokens/", {"name": "laptop"}).status_code == 201


def test_two_trailing_slashes_are_another_address(client: Client, db: None) -> None:
    assert client.get("/health//").status_code == 404


def test_health_answers_with_and_without_slash(client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/health/").json() == {"status": "ok"}


def test_the_admin_keeps_its_slashes(client: Client, operator: User) -> None:
    client.force_login(operator)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin", follow=True).redirect_chain == [("/admin/", 302)]


def test_the_admin_has_no_login_page_of_its_own(client: Client, db: None) -> None:
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/login?next=%2Fadmin%2F"


@pytest.mark.parametrize("address", ["/api/tokens?search=%00", "/api/tokens/%00"])
def test_nul_in_an_address_is_a_400(address: str, alice: User, api: Callable[[User], APIClient]) -> None:
    answer = api(alice).get(address)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
