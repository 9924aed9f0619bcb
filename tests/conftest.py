"""Fixtures for every test: the real servers, four people, and clients that speak for them."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts import services
from tenancy import roles

pytest_plugins = ["tests.servers"]


def pytest_configure(config: pytest.Config) -> None:
    """What Hypothesis finds depends neither on chance nor on how busy the machine is.

    HYPOTHESIS_PROFILE=long looks at what it has not looked at before.
    """
    if config.pluginmanager.has_plugin("hypothesispytest"):  # planted faults run without: loading it takes a while
        from hypothesis import HealthCheck, settings

        by_chance = os.environ.get("HYPOTHESIS_PROFILE") == "long"
        slow = [HealthCheck.too_slow]
        settings.register_profile("steady", deadline=None, derandomize=not by_chance, suppress_health_check=slow)
        settings.load_profile("steady")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """On PostgreSQL tests have the rights of the web server's role: it owns no table and by-passes no policy.

    Tests themselves see everybody's rows, as commands and workers do; requests that they send see their user's.
    """
    with django_db_blocker.unblock():
        restricted = restricted_role() if connection.vendor == "postgresql" else nullcontext()
        with restricted:
            yield


@contextmanager
def restricted_role() -> Iterator[None]:
    role = roles.Role(name=f"lora_tests_{os.getpid()}", password=secrets.token_hex(16))
    roles.grant(connection, role)
    with connection.cursor() as cursor:
        # What tests do and the product does not: empty all tables, forget a migration, keep copies of tables.
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {role.name}")
        cursor.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {role.name}")
        cursor.execute(f"GRANT DELETE ON django_migrations TO {role.name}")
    migrating = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    _connect_as({"USER": role.name, "PASSWORD": role.password})
    yield
    _connect_as(migrating)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {role.name}")
        cursor.execute(f"DROP ROLE {role.name}")


def _connect_as(user: dict[str, str]) -> None:
    connection.close()
    connection.settings_dict.update(user)


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
