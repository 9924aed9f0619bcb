"""The server writes a page in the theme that its reader has chosen, and in no other."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


def scheme(page: str) -> str:
    return page.split('<meta name="color-scheme" content="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [(None, "light dark"), ("dark", "dark"), ("light", "light"), ("", "light dark"), ('"><script>', "light dark")],
)
def test_a_page_comes_in_the_theme_of_the_cookie(cookie: str | None, expected: str) -> None:
    client = Client()
    if cookie is not None:
        client.cookies["theme"] = cookie
    assert scheme(client.get("/login").content.decode()) == expected


def test_the_account_menu_shows_what_is_chosen(alice: User, browse: Any) -> None:
    client = browse(alice)
    client.cookies["theme"] = "dark"
    assert 'value="dark" checked' in client.get("/datasets").content.decode()
