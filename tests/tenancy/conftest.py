"""Two users with one of everything each, and somebody who asks like a program or like a browser."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from tests.datasets.conftest import put_object, store
from tests.tenancy.belongings import Belongings, belongings

__all__ = ["put_object", "store"]

OUR_APPS = ("accounts", "datasets", "jobs", "notifications")
_ONE_TIME = re.compile(r'name="(csrfmiddlewaretoken" value|idempotency_key" value|csrf-token" content)="\w+"')


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    def about(self, *ids: str) -> "Answer":
        """The answer without the ids that were asked for, so that two of them can be compared."""
        body = self.body
        for each in ids:
            body = body.replace(each, "ID")
        return Answer(self.status, body)


class Asker:
    """Somebody who sends requests: to the API with a bearer token, to pages with a session."""

    def __init__(
        self, *, token: str | None = None, session_of: User | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._headers = dict(headers or {})
        self._client: Client = APIClient(raise_request_exception=False)
        if token is not None:
            self._client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        if session_of is not None:
            self._client.force_login(session_of)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """`body` goes as JSON to the API and as a form to pages; bytes go as they are."""
        is_api = path.startswith("/api/")
        if isinstance(body, bytes):
            content = body
        elif is_api:
            content = b"" if body is None else json.dumps(body).encode()
        else:
            content = urlencode(body if isinstance(body, Mapping) else {}).encode()
        kind = "application/json" if is_api else "application/x-www-form-urlencoded"
        cache.clear()  # how many requests somebody may send is no matter of these tests
        got: Any = self._client.generic(method, path, content, content_type=kind, headers=self._headers)
        sent = b"".join(got.streaming_content) if got.streaming else got.content
        shown = f"{got.get('Location', '')}{sent.decode('utf-8', 'replace')}"
        return Answer(got.status_code, _ONE_TIME.sub("", shown))

    def stream(self, path: str) -> Iterator[bytes]:
        """The pieces of an answer, each made when it is asked for."""
        got: Any = self._client.get(path)
        assert got.streaming
        pieces: Iterator[bytes] = got.streaming_content
        return pieces


def rows() -> dict[str, list[dict[str, Any]]]:
    """Everything that our tables hold."""
    models = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


@pytest.fixture
def of_alice(alice: User) -> Belongings:
    return belongings(alice, mark="alices-secret")


@pytest.fixture
def of_bob(bob: User) -> Belongings:
    return belongings(bob, mark="bobs-own")
