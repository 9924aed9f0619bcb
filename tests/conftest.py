"""Fixtures for every test: the real servers, four people, and clients that speak for them."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts import services

pytest_plugins = ["tests.servers"]


@pytest.fixture(autouse=True)
def no_earlier_requests() -> Iterator[None]:
    """Throttles and the login limit count in the cache: each test starts from zero."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.com", "alice-password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com", "bob-password")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie", "charlie@example.com", "charlie-password")


@pytest.fixture
def operator(db: None) -> User:
    """Staff, with every right in the admin."""
    return User.objects.create_superuser("operator", "operator@example.com", "operator-password")


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """`api(alice)` is an API client with a token of alice's; a crash is a 500 answer, as on a server."""

    def client(user: User) -> APIClient:
        _, secret = services.token_create(user=user, name="test")
        speaking = APIClient(raise_request_exception=False)
        speaking.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return speaking

    return client


@pytest.fixture
def browse() -> Callable[[User], Client]:
    """`browse(alice)` is a browser-like client that alice has logged in with."""

    def client(user: User) -> Client:
        browsing = Client()
        browsing.force_login(user)
        return browsing

    return client
