"""Every answer protects its reader: pages, API, admin, refusals and crashes alike."""

import re
import subprocess
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.operations.test_checks import run
from tests.tenancy.belongings import OBJECTS, PLAIN, Belongings, belongings, nowhere
from tests.tenancy.routes import Route, every_route

pytestmark = pytest.mark.django_db

CONTENT_SECURITY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "base-uri": "'self'",
}
OTHERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Answered-By": "lora-pipeline",
}


class Inline(HTMLParser):
    """Notes scripts, styles and handlers that stand in the page itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("type") in {"application/json", "importmap"}
        if tag == "style" or (tag == "script" and "src" not in given and not is_data):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {value}" for value in given.values() if (value or "").lower().startswith("javascript:")]


def assert_protected(answer: Any) -> None:
    """All of it, and nothing in the page that the policy would refuse."""
    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    allowed = policy.pop("connect-src", "'self'").split()
    assert policy == CONTENT_SECURITY
    assert allowed[0] == "'self'"
    assert len(allowed) <= 2
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert {name: answer.get(name) for name in OTHERS} == OTHERS
    assert "camera=()" in answer["Permissions-Policy"]
    assert re.search("no-store|no-cache", answer["Cache-Control"]), answer["Cache-Control"]
    assert "public" not in answer["Cache-Control"]
    if not answer.streaming and answer.get("Content-Type", "").startswith("text/html"):
        assert Inline(answer.content.decode()).found == [], answer.wsgi_request.path


@pytest.fixture
def theirs(operator: User) -> Belongings:
    return belongings(operator, mark="x")


def paths(route: Route, theirs: Belongings) -> Iterator[str]:
    """The route for something that is there, and for what is not."""
    names = route.parameters
    known = {name: OBJECTS[name](theirs)[0] if name in OBJECTS else PLAIN.get(name, "1") for name in names}
    yield route.path(known)
    if names:
        yield route.path({name: nowhere(converter) for name, converter in names.items()})


def test_every_address_answers_with_all_headers(theirs: Belongings, operator: User, browse: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}
    known, unknown = browse(operator), Client(raise_request_exception=False)
    known.raise_request_exception = False
    seen = 0
    for route in every_route():
        for path in paths(route, theirs):
            for client in (known, unknown):
                for method in (client.get, client.put):
                    assert_protected(method(path))
                    seen += 1
    assert seen > 400


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (lambda client: client.get("/no/such/page"), 404),
        (lambda client: client.get("/api/no-such"), 404),
        (lambda client: client.get("/datasets?x=%00"), 400),
        (lambda client: client.get("/", headers={"host": "evil.example.com"}), 400),
        (lambda client: client.get("/api/jobs", headers={"host": "a b"}), 400),
        (lambda client: client.post("/login", {"username": "x", "password": "y"}), 403),
        (lambda client: client.get("/logout"), 405),
        (lambda client: client.get("/crash"), 500),
        (lambda client: client.get("/api/crash"), 500),
        (lambda client: client.post("/api/tokens", b"x" * 2_000_000, "application/json"), 401),
        (lambda client: client.generic("BREW", "/login"), 403),
    ],
)
def test_refusals_and_crashes_have_them_too(send: Callable[[Client], Any], status: int, settings: Any) -> None:
    if status == 500:
        settings.ROOT_URLCONF = "tests.api.crashing_urls"
    answer = send(Client(enforce_csrf_checks=True, raise_request_exception=False))
    assert answer.status_code == status
    assert_protected(answer)


def test_too_many_requests_have_them_too() -> None:
    client = Client()
    answers = [client.post("/login", {"username": "x", "password": "y"}) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert_protected(answers[-1])


ASK = """
import django; django.setup()
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
from django.test import Client
client = Client(headers={"host": "lora.example.com"})
plain, secure = client.get("/login"), client.get("/login", secure=True)
print(plain.status_code, plain["Location"])
print(secure["Strict-Transport-Security"])
print(secure.cookies["csrftoken"].OutputString())
print({name: getattr(settings, name) for name in dir(settings) if name.startswith("SESSION_COOKIE")})
"""


def test_in_production_it_is_https_alone() -> None:
    told: subprocess.CompletedProcess[str] = run(
        "-c", ASK, DJANGO_SETTINGS_MODULE="lora_pipeline.settings", DATABASE_URL="sqlite://:memory:"
    )
    assert told.returncode == 0, told.stderr
    redirect, transport, cookie, session = told.stdout.splitlines()
    assert redirect == "301 https://lora.example.com/login"
    assert transport == "max-age=31536000; includeSubDomains; preload"
    for flag in ("Secure", "HttpOnly", "SameSite=Lax"):
        assert flag in cookie
    for flag in (
        "'SESSION_COOKIE_SECURE': True",
        "'SESSION_COOKIE_HTTPONLY': True",
        "'SESSION_COOKIE_SAMESITE': 'Lax'",
    ):
        assert flag in session


def test_a_crash_tells_nothing_of_the_program(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.crashing_urls"
    for path in ("/crash", "/api/crash"):
        text = Client(raise_request_exception=False).get(path).content.decode()
        assert "secret" not in text
        assert "Traceback" not in text
        assert "settings" not in text


def test_scripts_and_styles_are_protected_without_what_concerns_pages_alone(client: Client) -> None:
    for name in ("base.js", "base.css"):
        answer = client.get(f"/static/{name}")
        answer.close()  # a file, of which only the headers are of interest
        assert (answer.status_code, answer["X-Content-Type-Options"]) == (200, "nosniff")
        for name in ("Content-Security-Policy", "Permissions-Policy", "Access-Control-Allow-Origin"):
            assert not answer.has_header(name)


def test_a_file_that_is_not_there_is_refused_like_a_page(client: Client) -> None:
    assert_protected(client.get("/static/gone.js"))
