"""Garbage at every address is refused in words: in the query, the path, the head and the body, at pages and the API."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts import services
from tests.tenancy.belongings import OBJECTS, PLAIN, Belongings, belongings
from tests.tenancy.routes import Route, every_route

pytestmark = pytest.mark.django_db

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NUL": b'{"name": "a\\u0000b", "path": "\\u0000", "search": "\\u0000"}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "NaN": b'{"max_cost": NaN}',
    "1e999": b'{"max_cost": 1e999, "file_size": 1e999}',
    "giant integer": b'{"file_size": ' + b"9" * 4000 + b"}",
    "beyond 64 bits": b'{"file_size": 9223372036854775808}',
    "deep": b'{"hyperparameters":' * 3000 + b"1" + b"}" * 3000,
    "deep list": b"[" * 100_000,
    "twice the same key": b'{"name": "a", "name": {"b": 1}}',
    "a list": b"[1, 2]",
    "a text": b'"x"',
    "null": b"null",
    "wrong kinds": b'{"name": {"a": []}, "dataset_id": [1], "gpu_config": "x", "hyperparameters": 3, "path": false, '
    b'"file_name": [], "file_size": {}, "resume_from": [], "keep_adapter": "x", "external_job_id": {}, "url": 7, '
    b'"channels": "x", "types": {"a": 1}, "max_cost": [], "sentinel": "x", "files": {}, "event_id": [], '
    b'"enabled": "x"}',
}
QUERIES = [
    "page=1e9", "page=-1", "page=0", "page=999999999999999999999999", "page=%D9%A1", "page=NaN", "limit=-1",
    "limit=1e999",
    "since=NaN", "since=-1", "since=99999999999999999999", "max_points=1e9", "status=%F0%9F%98%80", "status=,,,",
    "status[]=x",
    "search=%00", "search=%ff%fe", "search=%ED%A0%80", "search=" + "x" * 5000, "search=%25%5C_'\"",
    "ordering=owner__password",
    "ordering=--name", "job=x", "job=%00", "from=yesterday", "from=0000-00-00", "from=9999-12-31T23:59:59%2B99:99",
    "to=1e99",
    "from=-9999999", "unread=maybe", "prefix=%ff", "prefix=../", "after=%F4%8F%BF%BF", "limit=1&limit=2", "download=x",
    "jobs=x", "jobs=,,,", "ids=x", "ids=%ff", "gpu=%ff", "size=1e9", "find=%ED%A0%80", "sort=--name",
    "clone=x", "clone=%00", "dataset=%ff", "dataset=../../", "format=xml", "a" * 3000 + "=1", "&&&===", "%",
    "&".join(f"p{n}=1" for n in range(1500)),
]  # fmt: skip
HEADS: list[dict[str, str]] = [
    {"accept": "\xff"}, {"accept": "text/x-nothing"}, {"accept": "application/json; q=NaN"}, {"accept": "*/*;" * 500},
    {"authorization": "Bearer \xff"}, {"authorization": "\x00"}, {"authorization": "Bearer " + "x" * 8000},
    {"idempotency-key": "\x00"}, {"idempotency-key": "x" * 300}, {"idempotency-key": "\xe4"},
    {"if-none-match": '"\xff", W/x'},
    {"range": "bytes=-1--5"}, {"cookie": "sessionid=\x00; csrftoken=%00"}, {"cookie": "=;;;=x"},
    {"accept-language": "x" * 600},
    {"x-forwarded-for": "x, \x00, " * 50}, {"content-length": "-1"}, {"content-length": "x"},
    {"referer": "http://[::1"},
    {"origin": "http://["}, {"x-http-method-override": "DELETE"}, {"if-modified-since": "Thu, 99 Foo 99999"},
]  # fmt: skip
KINDS = [
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/xml",
    "x",
    "\xff/\xff",
    "",
]


@pytest.fixture
def theirs(operator: User) -> Belongings:
    return belongings(operator, mark="x")


@pytest.fixture
def client(operator: User) -> Client:
    """Staff with a session and no CSRF in the way: all doors are open."""
    speaking = Client(raise_request_exception=False)
    speaking.force_login(operator)
    return speaking


def routes(theirs: Belongings) -> Iterator[tuple[Route, str]]:
    """Each route of ours, for rows that there are."""
    for route in every_route():
        if not route.is_admin and route.name not in {"logout"}:
            known = {
                name: OBJECTS[name](theirs)[0] if name in OBJECTS else PLAIN.get(name, "1") for name in route.parameters
            }
            yield route, route.path(known)


def reads_a_query(route: Route) -> bool:
    """Pictures, archives and single objects do not; they still meet some of each kind."""
    return not route.parameters or route.name in {"api-job", "api-job-logs", "api-job-metrics"}


def assert_refused(answer: Any, what: str, *, is_api: bool) -> None:
    """An answer or a refusal in words, never a crash; 503 is for a broker or store that is not there."""
    assert answer.status_code < 500 or answer.status_code == 503, what
    if is_api and answer.status_code >= 400 and answer.get("Content-Type", "").startswith("application/json"):
        body = answer.json()
        assert body["success"] is False, what
        assert body["error"]["message"], what
        assert "Traceback" not in body["error"]["message"]


@pytest.mark.parametrize("name", BODIES)
def test_a_garbage_body_is_refused_by_every_address(name: str, client: Client, theirs: Belongings, store: Any) -> None:
    for route, path in routes(theirs):
        for method in ("POST", "PATCH", "PUT", "DELETE"):
            cache.clear()
            is_api = route.is_api
            kind = "application/json" if is_api else "application/x-www-form-urlencoded"
            answer = client.generic(method, path, BODIES[name], content_type=kind)
            assert_refused(answer, f"{method} {path} {name}", is_api=is_api and "callback" not in path)


def test_a_garbage_query_is_refused_by_every_address(client: Client, theirs: Belongings, store: Any) -> None:
    for route, path in routes(theirs):
        for query in QUERIES if reads_a_query(route) else QUERIES[::8]:
            cache.clear()
            answer: Any = client.get(f"{path}?{query}")
            assert_refused(answer, f"{path}?{query[:80]}", is_api=route.is_api and "callback" not in path)
            if answer.streaming:
                b"".join(answer.streaming_content)


def test_a_garbage_id_is_refused_by_every_address(client: Client, operator: User) -> None:
    ids = [
        "x",
        "%00",
        "%ff",
        "..",
        "%2e%2e",
        "0" * 32,
        "00000000-0000-0000-0000-000000000000",
        "-1",
        "9" * 40,
        "é",
        "%0a",
        "'",
    ]
    for route in every_route():
        for given in ids if route.parameters and not route.is_admin else []:
            cache.clear()
            path = route.path(dict.fromkeys(route.parameters, given))
            for method in ("get", "post", "delete"):
                answer = getattr(client, method)(path)
                assert_refused(answer, f"{method} {path}", is_api=False)
                assert answer.status_code >= 300 or "token" in path


@pytest.mark.parametrize("head", HEADS, ids=lambda head: next(iter(head)))
def test_a_garbage_head_is_refused(head: dict[str, str], client: Client, theirs: Belongings, operator: User) -> None:
    _, secret = services.token_create(user=operator, name="x")
    for path in ("/api/jobs", f"/api/jobs/{theirs.jobs[0].pk}", "/training/jobs", "/login", "/admin/", "/health"):
        for headers in (head, {"authorization": f"Bearer {secret}", **head}):
            assert_refused(client.get(path, headers=headers), f"{path} {head}", is_api=path.startswith("/api"))
    answer = client.post("/api/jobs", b"{}", "application/json", headers=head)
    assert_refused(answer, f"POST {head}", is_api=True)


@pytest.mark.parametrize("kind", KINDS)
def test_another_content_type_is_refused(kind: str, client: Client, theirs: Belongings) -> None:
    for route, path in routes(theirs):
        cache.clear()
        answer = client.generic("POST", path, b"--x\r\n\r\nname=x&a=%00\r\n--x--", content_type=kind)
        assert_refused(answer, f"{path} {kind}", is_api=route.is_api and "callback" not in path)


FORM = [
    "\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "x" * 20_000,
    "-1",
    "NaN",
    "[]",
    "é",
    "<script>",
]
FIELDS = [
    "name",
    "description",
    "username",
    "password",
    "next",
    "email",
    "url",
    "expires_in_days",
    "old_password",
    "action",
]


def test_garbage_in_a_form_is_refused_by_every_page(client: Client, theirs: Belongings) -> None:
    for route, path in routes(theirs):
        for text in FORM if not route.is_api else []:
            body = "&".join(f"{field}={quote(text)}" for field in FIELDS)
            answer = client.post(path, body, "application/x-www-form-urlencoded")
            assert_refused(answer, f"{path} {text[:20]!r}", is_api=False)
            assert "<script>" not in answer.content.decode() if not answer.streaming else True


ADMIN = [
    "q=%00", "q=%ff", "q=" + "x" * 3000, "q=%25_%27%22%5C", "p=1e9", "p=-1", "o=1e9", "o=-1.2.x", "all=x", "e=1",
    "x__y=1",
    "id__exact=x", "id__in=,", "status__exact=%00", "created_at__gte=x", "created_at__year=99999999999",
    "created_at__day=0",
    "owner__password__startswith=a", "owner__id__exact=x", "_popup=x", "_to_field=password", "deleted_at__isempty=x",
]  # fmt: skip


def test_garbage_in_the_admins_searches_and_filters_is_refused(client: Client, theirs: Belongings) -> None:
    for model in apps.get_models():
        try:
            listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        except NoReverseMatch:
            continue
        for query in ADMIN:
            assert_refused(client.get(f"{listed}?{query}", follow=True), f"{listed}?{query[:60]}", is_api=False)
        for row in ("x", "%00", "_00", "_", "9" * 40, "..", "_2F_2E"):
            assert_refused(client.get(f"{listed}{row}/change/"), f"{listed}{row}", is_api=False)
        for body in (
            "action=delete_selected&_selected_action=x",
            "action=%00&_selected_action=%00",
            "action=cancel",
            "index=x",
        ):
            answer = client.post(listed, body, "application/x-www-form-urlencoded")
            assert_refused(answer, f"POST {listed} {body}", is_api=False)
